/** Inode numbers of a walk that were met with more than one name, and what they became. */
import { allocate } from "./state";
import { TreeInode } from "./tree";

/** Slots of 16 bytes: u64 number, u32 TreeInode (0: free). */
let table: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;

function slotOf(number: u64): usize {
  let index = (<u32>((number * 0x9e3779b97f4a7c15) >> 32)) & mask;
  while (true) {
    const slot = table + ((<usize>index) << 4);
    if (load<u32>(slot, 8) === 0 || load<u64>(slot) === number) return slot;
    index = (index + 1) & mask;
  }
}

export function findInodeNumber(number: u64): TreeInode | null {
  if (table === 0) return null;
  const inode = load<u32>(slotOf(number), 8);
  return inode === 0 ? null : changetype<TreeInode>(<usize>inode);
}

/** False when memory is used up. */
export function rememberInodeNumber(number: u64, inode: TreeInode): bool {
  if (used >= mask >> 1) {
    const old = table;
    const oldSlots: usize = old === 0 ? 0 : <usize>mask + 1;
    mask = old === 0 ? 1023 : (mask << 1) | 1;
    table = allocate((<u64>mask + 1) * 16);
    if (table === 0) return false;
    for (let i: usize = 0; i < oldSlots; i++) {
      const from = old + (i << 4);
      if (load<u32>(from, 8) !== 0) memory.copy(slotOf(load<u64>(from)), from, 16);
    }
  }
  const slot = slotOf(number);
  store<u64>(slot, number);
  store<u32>(slot, <u32>changetype<usize>(inode), 8);
  used++;
  return true;
}
