import { badInstruction } from "./instruction-lines.ts";

/**
 * The ports that a word of EXPOSE means: `80`, `80/udp`, `8000-8002/tcp`; a port of the host before it, as in `8080:80`,
 * is passed over. `80` -> `80/tcp`.
 * @throws INSTRUCTION_INVALID
 */
export function exposedPorts(word: string): string[] {
  const [, ports = "", protocol = "tcp"] = /^([^/]*)(?:\/(.*))?$/s.exec(word) as RegExpExecArray;
  const range = ports.slice(ports.lastIndexOf(":") + 1);
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  if (first === "" || Number(first) > 65535 || Number(last) > 65535 || Number(last) < Number(first)) {
    throw badInstruction(`Invalid containerPort: ${range}`);
  }
  const name = protocol.toLowerCase();
  if (!["tcp", "udp", "sctp"].includes(name)) throw badInstruction(`Invalid proto: ${protocol}`);
  return Array.from({ length: Number(last) - Number(first) + 1 }, (_, n) => `${Number(first) + n}/${name}`);
}
