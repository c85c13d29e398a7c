import { ENTRY_HARDLINK, ENTRY_REGULAR, ENTRY_SYMLINK, RECORD_HEADER_BYTES } from "../layer/format.ts";

/** What an outer archive's reader wants of an entry record (wasm/common/format.ts, section 1). */
export interface TarMember {
  kind: "file" | "hardlink" | "symlink" | "other";
  /** Names that are no UTF-8 get replacement characters: no file of an image archive has such a name. */
  name: string;
  linkTo: string;
  size: number;
  dataOffset: number;
  storedBytes: number;
  sparse: boolean;
}

const KINDS: Record<number, TarMember["kind"]> = {
  [ENTRY_REGULAR]: "file",
  [ENTRY_HARDLINK]: "hardlink",
  [ENTRY_SYMLINK]: "symlink",
};

/** The members in a run of entry records. */
export function* tarMembers(records: Uint8Array): Generator<TarMember> {
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const text = new TextDecoder();
  for (let at = 0; at < records.length; at += view.getUint32(at, true)) {
    const pathBytes = view.getUint32(at + 36, true);
    const linkBytes = view.getUint32(at + 40, true);
    const path = at + RECORD_HEADER_BYTES;
    yield {
      kind: KINDS[view.getUint8(at + 4)] ?? "other",
      name: text.decode(records.subarray(path, path + pathBytes)),
      linkTo: text.decode(records.subarray(path + pathBytes, path + pathBytes + linkBytes)),
      size: Number(view.getBigUint64(at + 48, true)),
      dataOffset: Number(view.getBigUint64(at + 56, true)),
      storedBytes: Number(view.getBigUint64(at + 64, true)),
      sparse: view.getUint32(at + 72, true) > 0,
    };
  }
}
