import type { OciResources } from "./oci-types.ts";

type DeviceRule = OciResources["devices"][number];

const character = (major: number, minor: number, access = "rwm"): DeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access,
});

/**
 * The device access of a container (config-linux.md, "Allowed Device list"): nothing but the harmless devices that every
 * container has, and terminals. mknod of others is allowed where the capability is, using them is not, as in Docker.
 */
export const DEFAULT_DEVICE_RULES: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  character(1, 3), // null
  character(1, 5), // zero
  character(1, 7), // full
  character(1, 8), // random
  character(1, 9), // urandom
  character(5, 0), // tty
  character(5, 1), // console
  character(5, 2), // ptmx
  { allow: true, type: "c", major: 136, access: "rwm" }, // pts, every minor
];

export const ALL_DEVICES: readonly DeviceRule[] = [{ allow: true, access: "rwm" }];
