/** The text of a container's /etc/hostname. */
export function hostnameFile(hostname: string): string {
  return `${hostname}\n`;
}

export interface HostsInput {
  hostname: string;
  domainname: string;
  /** The container's own address, if it has a network. */
  address?: string;
}

/** The text of a container's /etc/hosts: the loopback names, then the container's own line if it has an address. */
export function hostsFile(input: HostsInput): string {
  const lines = [
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
  ];
  if (input.address !== undefined) {
    const names = input.domainname === "" ? [] : [`${input.hostname}.${input.domainname}`];
    lines.push(`${input.address}\t${[...names, input.hostname].join(" ")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Name servers of containers whose host has none that they could reach. */
const FALLBACK_NAMESERVERS = ["8.8.8.8", "8.8.4.4"];

/**
 * The text of a container's resolv.conf, made from the host's. In the host's network it is the host's file as it is;
 * elsewhere name servers on loopback addresses are dropped, since the container's loopback is another.
 */
export function resolvConfFile(hostText: string, hostNetwork: boolean): string {
  if (hostNetwork) return hostText;
  const lines = hostText.split("\n").filter((line) => !/^\s*nameserver\s+(127\.|::1\b)/.test(line));
  while (lines.length > 0 && lines[lines.length - 1] === "") lines.pop();
  if (!lines.some((line) => /^\s*nameserver\s/.test(line))) {
    lines.push(...FALLBACK_NAMESERVERS.map((address) => `nameserver ${address}`));
  }
  return `${lines.join("\n")}\n`;
}
