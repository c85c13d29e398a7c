/**
 * Access control lists that tars carry as text, SCHILY.acl.access and SCHILY.acl.default (star, GNU tar --acls, libarchive):
 * turned into the attributes that Linux keeps them in, system.posix_acl_access and _default (linux/posix_acl_xattr.h).
 *
 * Entries are `tag:who:perms` or `tag:who:perms:id`, separated by commas or line ends. A list that names users or groups
 * without their ids is left out, as Go's archive/tar leaves out every list: whose names they are, nobody knows here.
 */

const VERSION: u32 = 2;
const USER_OBJ: u16 = 0x01;
const USER: u16 = 0x02;
const GROUP_OBJ: u16 = 0x04;
const GROUP: u16 = 0x08;
const MASK: u16 = 0x10;
const OTHER: u16 = 0x20;
const NO_ID: u32 = 0xffffffff;
const HEADER_BYTES: u32 = 4;
const ENTRY_BYTES: u32 = 8;

/** Permission bits that the last list, if it is an access list, gives the file: owner, mask or group, others. */
export let modeBits: u32 = 0;

/** More than writeAcl ever writes for a text of so many bytes. */
export function aclBound(bytes: u32): u32 {
  return HEADER_BYTES + ENTRY_BYTES * (bytes / 4 + 1);
}

let id: u32 = 0;

function isEnd(byte: u8): bool {
  return byte === 44 || byte === 10;
}

/** Up to the next of ":" and the end of the entry. */
function partEnd(at: usize, end: usize): usize {
  while (at < end && load<u8>(at) !== 58 && !isEnd(load<u8>(at))) at++;
  return at;
}

function readId(at: usize, end: usize): bool {
  if (at === end || end - at > 10) return false;
  let value: u64 = 0;
  for (; at < end; at++) {
    const digit = <u32>load<u8>(at) - 48;
    if (digit > 9) return false;
    value = value * 10 + digit;
  }
  id = <u32>value;
  return value < NO_ID;
}

/** -1: no permissions. */
function readPermissions(at: usize, end: usize): i32 {
  let bits = 0;
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte === 114) bits |= 4;
    else if (byte === 119) bits |= 2;
    else if (byte === 120) bits |= 1;
    else if (byte !== 45) return -1;
  }
  return bits;
}

/** `user`, `group`, `mask`, `other` or their first letters; 0: none of these. */
function readTag(at: usize, end: usize, hasWho: bool): u16 {
  const first = at < end ? load<u8>(at) : 0;
  if (first === 117) return hasWho ? USER : USER_OBJ;
  if (first === 103) return hasWho ? GROUP : GROUP_OBJ;
  if (first === 109) return MASK;
  return first === 111 ? OTHER : 0;
}

/**
 * Writes the list in Linux's form at `to`; its bytes, or 0 if it cannot be said in that form. An access list that says no
 * more than the mode is none.
 */
export function writeAcl(to: usize, at: usize, bytes: usize, isDefault: bool): u32 {
  const end = at + bytes;
  let count: u32 = 0;
  let tags: u32 = 0;
  while (at < end) {
    if (isEnd(load<u8>(at))) {
      at++;
      continue;
    }
    const tagEnd = partEnd(at, end);
    if (tagEnd >= end || load<u8>(tagEnd) !== 58) return 0;
    const whoEnd = partEnd(tagEnd + 1, end);
    if (whoEnd >= end || load<u8>(whoEnd) !== 58) return 0;
    const tag = readTag(at, tagEnd, whoEnd > tagEnd + 1);
    const permissionsEnd = partEnd(whoEnd + 1, end);
    const permissions = readPermissions(whoEnd + 1, permissionsEnd);
    if (tag === 0 || permissions < 0) return 0;
    let entryEnd = permissionsEnd;
    id = NO_ID;
    if (entryEnd < end && load<u8>(entryEnd) === 58) {
      entryEnd = partEnd(permissionsEnd + 1, end);
      if (!readId(permissionsEnd + 1, entryEnd)) return 0;
    } else if ((tag === USER || tag === GROUP) && !readId(tagEnd + 1, whoEnd)) return 0;
    if (tag !== USER && tag !== GROUP) {
      if (tags & tag) return 0;
      id = NO_ID;
    }
    tags |= tag;
    insert(to + HEADER_BYTES, count++, tag, <u16>permissions, id);
    at = entryEnd;
    if (at < end && !isEnd(load<u8>(at))) return 0;
  }
  const needed = USER_OBJ | GROUP_OBJ | OTHER;
  const named = (tags & (USER | GROUP)) !== 0;
  if ((tags & needed) !== needed || (named && !(tags & MASK))) return 0;
  store<u32>(to, VERSION);
  readMode(to + HEADER_BYTES, count);
  return tags === needed && !isDefault ? 0 : HEADER_BYTES + count * ENTRY_BYTES;
}

/** Keeps the entries in Linux's order: by tag, then by id. */
function insert(entries: usize, count: u32, tag: u16, permissions: u16, id: u32): void {
  let at = entries + <usize>count * ENTRY_BYTES;
  while (at > entries) {
    const beforeTag = load<u16>(at - ENTRY_BYTES);
    if (beforeTag < tag || (beforeTag === tag && load<u32>(at - ENTRY_BYTES, 4) <= id)) break;
    store<u64>(at, load<u64>(at - ENTRY_BYTES));
    at -= ENTRY_BYTES;
  }
  store<u16>(at, tag);
  store<u16>(at, permissions, 2);
  store<u32>(at, id, 4);
}

/** What chmod and stat show of the list: the group's bits are the mask, where there is one. */
function readMode(entries: usize, count: u32): void {
  let group: u32 = 0;
  let mask: i32 = -1;
  modeBits = 0;
  for (let i: u32 = 0; i < count; i++) {
    const tag = load<u16>(entries + <usize>i * ENTRY_BYTES);
    const permissions = <u32>load<u16>(entries + <usize>i * ENTRY_BYTES, 2);
    if (tag === USER_OBJ) modeBits |= permissions << 6;
    else if (tag === GROUP_OBJ) group = permissions;
    else if (tag === MASK) mask = permissions;
    else if (tag === OTHER) modeBits |= permissions;
  }
  modeBits |= (mask < 0 ? group : <u32>mask) << 3;
}
