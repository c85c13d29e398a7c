import { GantryError } from "../errors/index.ts";
import { loadKernel, type KernelBuild } from "./load-kernel.ts";

interface ErofsExports {
  readonly memory: WebAssembly.Memory;
  reserve(bytes: bigint): number;
  build(index: number, indexBytes: number, devices: number, deviceCount: number, uuid: number): number;
  failedNode(): number;
  imageAddress(): number;
  imageBytes(): bigint;
  copiesAddress(): number;
  copiesCount(): number;
  spillFileBytes(): bigint;
}

/** An uncompressed layer's tar that the image's files point into. */
export interface ErofsDevice {
  bytes: number;
  /** Up to 64 ASCII characters kept in the device's slot: the hexadecimal diffId. */
  tag?: string;
}

/** Bytes of a layer's tar that belong into the spill file. */
export interface SpillCopy {
  layer: number;
  sourceOffset: number;
  spillOffset: number;
  bytes: number;
}

export interface ErofsImage {
  /** The image's bytes, a multiple of 512; a view over memory of its own. */
  bytes: Uint8Array;
  /**
   * What the caller copies into a spill file of `spillBytes` bytes, sparse where nothing is copied; given to the mount
   * as the last device, after the layers' tars. None if `spillBytes` is 0.
   */
  copies: SpillCopy[];
  spillBytes: number;
}

/**
 * Writes the EROFS image of a merged layer index (wasm/common/format.ts, section 2): metadata only, 512-byte blocks, one
 * extra device a layer, in layer order. Any kernel since 6.4 reads it; since 6.12 from a file. Same arguments, same bytes.
 *
 * `uuid` becomes the file system's, 16 bytes: derive it from the chain id, so that it tells content from content.
 *
 * @throws LAYER_INDEX_INVALID if the index contradicts itself or leads out of a device
 * @throws EROFS_UNREPRESENTABLE for what EROFS has no room for: a file above 1 PiB, data beyond 2 TiB of a device, an xattr
 *   above 65,535 bytes or 256 KiB of them, device numbers above 12 and 20 bits, more than 65,534 layers, a 4 GiB image
 */
export function writeErofs(
  mergedIndex: Uint8Array,
  devices: readonly ErofsDevice[],
  options: { uuid: Uint8Array; build?: KernelBuild },
): ErofsImage {
  if (options.uuid.length !== 16) throw new RangeError(`a UUID has 16 bytes, not ${options.uuid.length}`);
  const kernel = loadKernel("erofs", options.build === undefined ? {} : { build: options.build })
    .exports as unknown as ErofsExports;
  const place = (bytes: Uint8Array): number => {
    const at = kernel.reserve(BigInt(bytes.length)) >>> 0;
    if (at === 0) throw failure(OUT_OF_MEMORY, undefined);
    new Uint8Array(kernel.memory.buffer).set(bytes, at);
    return at;
  };
  const index = place(mergedIndex);
  const table = place(deviceTable(devices));
  const uuid = place(options.uuid);
  let status: number;
  try {
    status = kernel.build(index, mergedIndex.length, table, devices.length, uuid);
  } catch (cause) {
    // A trap: the index led out of the kernel's memory.
    throw failure(INDEX_MALFORMED, pathOf(mergedIndex, kernel.failedNode() >>> 0), cause);
  }
  if (status !== 0) throw failure(status, pathOf(mergedIndex, kernel.failedNode() >>> 0));
  const memory = kernel.memory.buffer;
  const copies = new DataView(memory, kernel.copiesAddress() >>> 0, (kernel.copiesCount() >>> 0) * COPY_BYTES);
  return {
    bytes: new Uint8Array(memory, kernel.imageAddress() >>> 0, Number(kernel.imageBytes())),
    copies: Array.from({ length: copies.byteLength / COPY_BYTES }, (_, i) => ({
      layer: copies.getUint32(i * COPY_BYTES, true),
      sourceOffset: Number(copies.getBigUint64(i * COPY_BYTES + 8, true)),
      spillOffset: Number(copies.getBigUint64(i * COPY_BYTES + 16, true)),
      bytes: Number(copies.getBigUint64(i * COPY_BYTES + 24, true)),
    })),
    spillBytes: Number(kernel.spillFileBytes()),
  };
}

const DEVICE_BYTES = 72;
const COPY_BYTES = 32;

/** Numbers of wasm/erofs/failure.ts. */
const OUT_OF_MEMORY = 1;
const INDEX_MALFORMED = 2;
const MALFORMED: Record<number, string> = {
  [INDEX_MALFORMED]: "the layer index contradicts itself",
  3: "its data lies outside of its layer",
};
const UNREPRESENTABLE: Record<number, string> = {
  [OUT_OF_MEMORY]: "the image's metadata would not fit in 4 GiB",
  4: "the file is larger than 1 PiB",
  5: "an extended attribute is larger than 65535 bytes, or all of them than 256 KiB",
  6: "its device number is above 4095:1048575",
  7: "its data lies beyond 2 TiB",
  8: "the image has more than 65534 layers",
};

function failure(status: number, path: string | undefined, cause?: unknown): GantryError {
  const what = path === undefined ? "the image" : `"${path}"`;
  const reason = MALFORMED[status];
  if (reason !== undefined) {
    return new GantryError("LAYER_INDEX_INVALID", `cannot make an EROFS image: ${what}: ${reason}`, {
      remedy: "Load the image again.",
      details: { path },
      cause,
    });
  }
  return new GantryError("EROFS_UNREPRESENTABLE", `cannot make an EROFS image: ${what}: ${UNREPRESENTABLE[status]}`, {
    remedy: "Set GANTRY_SNAPSHOTTER=unpack.",
    details: { path },
  });
}

function deviceTable(devices: readonly ErofsDevice[]): Uint8Array {
  const table = Buffer.alloc(devices.length * DEVICE_BYTES);
  devices.forEach(({ bytes, tag }, i) => {
    table.writeBigUInt64LE(BigInt(bytes), i * DEVICE_BYTES);
    table.write((tag ?? "").slice(0, 64), i * DEVICE_BYTES + 8, "latin1");
  });
  return table;
}

/** A node's path, for messages; as far as the index, which may be broken, tells it. */
function pathOf(index: Uint8Array, node: number): string | undefined {
  try {
    const view = new DataView(index.buffer, index.byteOffset, index.byteLength);
    const nodes = Number(view.getBigUint64(32, true));
    const pool = Number(view.getBigUint64(56, true));
    const names: string[] = [];
    for (let at = node; at !== 0 && names.length < 4096; at = view.getUint32(nodes + at * 24 + 20, true)) {
      const start = pool + view.getUint32(nodes + at * 24, true);
      const length = view.getUint16(nodes + at * 24 + 4, true);
      names.unshift(Buffer.from(index.subarray(start, start + length)).toString());
    }
    return `/${names.join("/")}`;
  } catch {
    return undefined;
  }
}
