import { readFileSync } from "node:fs";
import { artifact } from "../artifacts/locate.ts";
import { GzipEncoder } from "../kernels/deflate.ts";
import { GzipDecoder } from "../kernels/inflate.ts";
import { buildLayerIndex, mergeChain } from "../kernels/layer.ts";
import { Sha256, Sha256x4 } from "../kernels/sha256.ts";
import { TarScanner } from "../kernels/tar-scan.ts";
import { encodeTarHeader, END_OF_ARCHIVE } from "../kernels/tar-write.ts";
import { ENTRY_DIRECTORY, ENTRY_REGULAR } from "../layer/format.ts";

/** How fast one thread runs a kernel, by CPU time. */
export interface KernelSpeed {
  name: string;
  perSecond: number;
  unit: "bytes" | "entries";
}

/** CPU time that a kernel is measured for, after one run that is not counted: WebAssembly is slow until it is compiled. */
const MEASURE_MS = 150;
const SAMPLE_BYTES = 4 << 20;
const LANE_BYTES = 64 << 10;
const ENTRIES = 20_000;
const nothing = (): void => undefined;

/** Measures the kernels that load, save and commit spend their time in, one after the other. */
export function* benchKernels(): Generator<KernelSpeed, void, undefined> {
  const sample = sampleBytes();
  const bytes = (name: string, run: () => void): KernelSpeed => ({
    name,
    perSecond: rate(run, sample.length),
    unit: "bytes",
  });
  yield bytes("SHA-256, one stream", () => {
    const hash = new Sha256();
    hash.update(sample);
    hash.digest();
  });
  yield bytes("SHA-256, four streams", () => {
    hashInLanes(sample);
  });
  const packed: Uint8Array[] = [];
  yield bytes("gzip, level 6", () => {
    packed.length = 0;
    const encoder = new GzipEncoder({ level: 6 });
    const keep = (piece: Uint8Array): void => void packed.push(piece.slice());
    encoder.push(sample, keep);
    encoder.finish(keep);
  });
  yield bytes("gunzip", () => {
    const decoder = new GzipDecoder();
    for (const piece of packed) decoder.push(piece, nothing);
    decoder.finish();
  });
  const entries = (name: string, run: () => void): KernelSpeed => ({
    name,
    perSecond: rate(run, ENTRIES),
    unit: "entries",
  });
  const tar = sampleTar();
  const scan = (): Uint8Array => {
    const scanner = new TarScanner();
    scanner.push(tar);
    return scanner.finish().records;
  };
  yield entries("tar scan", scan);
  const records = scan();
  yield entries("layer index", () => {
    buildLayerIndex(records);
  });
  const index = buildLayerIndex(records);
  yield entries("merge of two layers", () => {
    mergeChain([index, index]);
  });
}

function rate(run: () => void, amount: number): number {
  run();
  const before = process.cpuUsage();
  for (let runs = 1; ; runs++) {
    run();
    const { user, system } = process.cpuUsage(before);
    if (user + system > MEASURE_MS * 1000) return (runs * amount * 1e6) / (user + system);
  }
}

function hashInLanes(sample: Uint8Array): void {
  const hash = new Sha256x4();
  const lane = sample.length / 4;
  for (let at = 0; at < lane; at += LANE_BYTES) {
    for (const [i, input] of hash.inputs.entries()) {
      input.set(sample.subarray(i * lane + at, i * lane + at + LANE_BYTES));
    }
    hash.consume([LANE_BYTES, LANE_BYTES, LANE_BYTES, LANE_BYTES]);
  }
  hash.close();
}

/** Our own programs: machine code and text, as images hold them. */
function sampleBytes(): Uint8Array {
  const parts = ["native/libgantry_bridge.so", "native/gantry-runtime", "gantry.cjs"].map((name) =>
    readFileSync(artifact(name)),
  );
  const all = Buffer.concat(parts);
  return Buffer.alloc(SAMPLE_BYTES, all);
}

/** Empty files, a hundred a directory. */
function sampleTar(): Uint8Array {
  const header = (n: number): Uint8Array =>
    n % 100 === 0
      ? encodeTarHeader({ path: `usr/share/directory-${n / 100}/`, type: ENTRY_DIRECTORY, mode: 0o755 })
      : encodeTarHeader({
          path: `usr/share/directory-${Math.floor(n / 100)}/file-${n}`,
          type: ENTRY_REGULAR,
          mode: 0o644,
        });
  return Buffer.concat([...Array.from({ length: ENTRIES }, (_, n) => header(n)), END_OF_ARCHIVE]);
}
