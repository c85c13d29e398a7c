import { ENTRY_DIRECTORY, ENTRY_REGULAR, ENTRY_SYMLINK } from "../common/format";
import {
  XATTR_ACL_ACCESS,
  XATTR_ACL_DEFAULT,
  XATTR_ENTRY_BYTES,
  XATTR_HEADER_BYTES,
  XATTR_SECURITY,
  XATTR_TRUSTED,
  XATTR_USER,
} from "./disk-format";
import { INDEX_MALFORMED, OK, XATTRS_TOO_LARGE } from "./failure";
import { bytesAt } from "./layer-tables";

/** The inode's count of xattr words is 16 bits. */
const MAX_XATTR_BYTES: u64 = <u64>XATTR_HEADER_BYTES + 65534 * 4;

// prettier-ignore
const USER = memory.data<u8>([0x75, 0x73, 0x65, 0x72, 0x2e]); // user.
// prettier-ignore
const TRUSTED = memory.data<u8>([0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e]); // trusted.
// prettier-ignore
const TRUSTED_OVERLAY = memory.data<u8>(
  [0x74, 0x72, 0x75, 0x73, 0x74, 0x65, 0x64, 0x2e, 0x6f, 0x76, 0x65, 0x72, 0x6c, 0x61, 0x79, 0x2e]); // trusted.overlay.
// prettier-ignore
const SECURITY = memory.data<u8>([0x73, 0x65, 0x63, 0x75, 0x72, 0x69, 0x74, 0x79, 0x2e]); // security.
// prettier-ignore
const ACL_ACCESS = memory.data<u8>(
  [0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x2e, 0x70, 0x6f, 0x73, 0x69, 0x78, 0x5f, 0x61, 0x63, 0x6c, 0x5f,
   0x61, 0x63, 0x63, 0x65, 0x73, 0x73]); // system.posix_acl_access
// prettier-ignore
const ACL_DEFAULT = memory.data<u8>(
  [0x73, 0x79, 0x73, 0x74, 0x65, 0x6d, 0x2e, 0x70, 0x6f, 0x73, 0x69, 0x78, 0x5f, 0x61, 0x63, 0x6c, 0x5f,
   0x64, 0x65, 0x66, 0x61, 0x75, 0x6c, 0x74]); // system.posix_acl_default

let cut: u32 = 0;

/** Bytes that the inode's xattrs took; of the last call of `encodeXattrs`. */
export let xattrBytes: u32 = 0;

/**
 * Writes an inode's xattrs, header first, to `to` (0: only measures). Leaves out what Linux would not let the file
 * carry and what would direct the overlay that is mounted above: trusted.overlay.*, user.* of anything but files and
 * directories, ACLs of symbolic links, unknown name spaces.
 */
export function encodeXattrs(inode: usize, to: usize): i32 {
  xattrBytes = 0;
  const listBytes = load<u32>(inode, 76);
  if (listBytes === 0) return OK;
  let at = bytesAt(load<u32>(inode, 72), listBytes);
  if (at === 0) return INDEX_MALFORMED;
  const end = at + listBytes;
  const type = load<u8>(inode);
  let total: u64 = XATTR_HEADER_BYTES;
  while (at < end) {
    if (end - at < 8) return INDEX_MALFORMED;
    const nameBytes = <u32>load<u16>(at);
    const valueBytes = load<u32>(at, 4);
    const name = at + 8;
    if (<u64>nameBytes + valueBytes > <u64>(end - name)) return INDEX_MALFORMED;
    at = name + nameBytes + valueBytes;
    const space = nameSpace(name, nameBytes, type);
    if (space === 0) continue;
    const ownBytes = nameBytes - cut;
    if (valueBytes > 0xffff || ownBytes > 0xff) return XATTRS_TOO_LARGE;
    const entryBytes = (XATTR_ENTRY_BYTES + ownBytes + valueBytes + 3) & ~3;
    if (to !== 0) {
      const entry = to + <usize>total;
      store<u8>(entry, <u8>ownBytes);
      store<u8>(entry, space, 1);
      store<u16>(entry, <u16>valueBytes, 2);
      memory.copy(entry + XATTR_ENTRY_BYTES, name + cut, ownBytes + valueBytes);
    }
    total += entryBytes;
    if (total > MAX_XATTR_BYTES) return XATTRS_TOO_LARGE;
  }
  // A header with nothing after it is not valid.
  if (total > XATTR_HEADER_BYTES) xattrBytes = <u32>total;
  return OK;
}

/** XATTR_* of a name, with `cut` set to what of the name it stands for; 0 to leave it out. */
function nameSpace(name: usize, nameBytes: u32, type: u8): u8 {
  if (begins(name, nameBytes, USER, 5)) return type === ENTRY_REGULAR || type === ENTRY_DIRECTORY ? XATTR_USER : 0;
  if (begins(name, nameBytes, SECURITY, 9)) return XATTR_SECURITY;
  if (begins(name, nameBytes, TRUSTED_OVERLAY, 16)) return 0;
  if (begins(name, nameBytes, TRUSTED, 8)) return XATTR_TRUSTED;
  if (isName(name, nameBytes, ACL_ACCESS, 23)) return type !== ENTRY_SYMLINK ? XATTR_ACL_ACCESS : 0;
  if (isName(name, nameBytes, ACL_DEFAULT, 24)) return type === ENTRY_DIRECTORY ? XATTR_ACL_DEFAULT : 0;
  return 0;
}

/** A prefix, and at least one byte after it. */
function begins(name: usize, nameBytes: u32, prefix: usize, prefixBytes: u32): bool {
  cut = prefixBytes;
  return nameBytes > prefixBytes && memory.compare(name, prefix, prefixBytes) === 0;
}

function isName(name: usize, nameBytes: u32, other: usize, otherBytes: u32): bool {
  cut = otherBytes;
  return nameBytes === otherBytes && memory.compare(name, other, otherBytes) === 0;
}
