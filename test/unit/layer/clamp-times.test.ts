import { expect, it } from "vitest";
import { buildLayerIndex } from "../../../src/kernels/layer.ts";
import { TarScanner } from "../../../src/kernels/tar-scan.ts";
import { clampTimes } from "../../../src/layer/clamp-times.ts";
import { LayerIndex } from "../../../src/layer/layer-index.ts";
import { lookup } from "../../../src/layer/resolve-path.ts";
import { buildTar } from "../../suites/tar-builder.ts";

it("times later than the moment become it, to the nanosecond, and others stay", () => {
  const times: Record<string, [number, number]> = {
    before: [-5, 7],
    less: [99, 999_999_999],
    equal: [100, 5],
    more: [100, 6],
    after: [5_000_000_000, 0],
  };
  const scanner = new TarScanner();
  scanner.push(buildTar(Object.entries(times).map(([path, mtime]) => ({ path, type: "file", data: "x", mtime }))));
  const index = new LayerIndex(buildLayerIndex(scanner.finish().records));
  const before = Buffer.from(index.bytes);
  const clamped = clampTimes(index, { seconds: 100, nanoseconds: 5 });
  const found = Object.keys(times).map((path) => {
    const inode = clamped.inodeOf(lookup(clamped, path) as number) as number;
    return [clamped.mtimeSecondsOf(inode), clamped.mtimeNanosecondsOf(inode)];
  });
  expect(found).toEqual([times["before"], times["less"], times["equal"], [100, 5], [100, 5]]);
  expect(before.equals(index.bytes)).toBe(true);
});
