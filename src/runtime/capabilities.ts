import { GantryError } from "../errors/index.ts";

/** Every capability that Linux knows, in the kernel's order (linux/capability.h); index = bit number. */
export const ALL_CAPABILITIES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

/** What a container has unless told otherwise: Docker's list. */
export const DEFAULT_CAPABILITIES = (
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL " +
  "AUDIT_WRITE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

export interface CapabilityChanges {
  add?: readonly string[] | null | undefined;
  drop?: readonly string[] | null | undefined;
  /** All that `available` holds. */
  privileged?: boolean | undefined;
}

/**
 * The capabilities of a container after `--cap-add` and `--cap-drop`, in Docker's order of evaluation: `ALL` in either
 * list sets the start, then drops go, then adds come (an addition wins over a drop only when `ALL` is dropped).
 *
 * @param available what this process itself has; a container cannot be given more, and `ALL` means these
 * @throws CAPABILITY_INVALID for a name that Linux does not know
 */
export function containerCapabilities(changes: CapabilityChanges, available: readonly string[]): string[] {
  if (changes.privileged === true) return [...available];
  const add = normalise(changes.add ?? []);
  const drop = normalise(changes.drop ?? []);
  if (add.includes("ALL")) return available.filter((name) => !drop.includes(name));
  if (drop.includes("ALL")) return ALL_CAPABILITIES.filter((name) => add.includes(name));
  const kept = DEFAULT_CAPABILITIES.filter((name) => !drop.includes(name));
  return [...kept, ...add.filter((name) => !kept.includes(name))];
}

function normalise(names: readonly string[]): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === "ALL") return upper;
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!ALL_CAPABILITIES.includes(name)) {
      throw new GantryError("CAPABILITY_INVALID", `invalid capability "${given}": Linux has none of this name`, {
        remedy: "Name one of capabilities(7), with or without CAP_, or ALL.",
        details: { capability: given },
      });
    }
    return name;
  });
}

/** The names of the bits set in a capability mask as /proc/PID/status shows it: hexadecimal, `CapBnd` for example. */
export function capabilitiesOfMask(hexMask: string): string[] {
  const mask = BigInt(`0x${hexMask}`);
  return ALL_CAPABILITIES.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n);
}
