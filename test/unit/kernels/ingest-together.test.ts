import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ingestLayer, type LayerIngest } from "../../../src/kernels/ingest-layer.ts";
import { LayersTogether } from "../../../src/kernels/ingest-together.ts";
import { GrowingFileWriter, makeGrowingFile } from "../../../src/kernels/growing-file.ts";
import { tarOf } from "../../tools/make-archive.ts";
import { Seeded } from "./seeded.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "gantry-together-"));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

function job(name: string, bytes: Uint8Array): LayerIngest {
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return {
    label: name,
    source: { path, offset: 0, size: bytes.length },
    copyFile: `${path}.copy`,
    keepCompressed: true,
    tarFile: `${path}.tar`,
    indexFile: `${path}.index`,
  };
}

const layer = (seed: number, size: number): Promise<Buffer> =>
  tarOf([[{ name: `file-${seed}` }, Buffer.from(new Seeded(seed).compressible(size))]]);

const elsewhere = (one: LayerIngest): LayerIngest => ({
  ...one,
  copyFile: `${one.copyFile}-alone`,
  tarFile: `${one.tarFile}-alone`,
  indexFile: `${one.indexFile}-alone`,
});

test("layers taken in together are what they are alone, plain and compressed, more than four", async () => {
  const sizes = [5, 70_000, 200_000, 400_000, 64, 100_000];
  const jobs: LayerIngest[] = [];
  for (const [i, size] of sizes.entries()) {
    const tar = await layer(i, size);
    jobs.push(job(`layer-${i}`, i % 2 === 0 ? tar : gzipSync(tar)));
  }
  const together = new LayersTogether();
  const facts = await Promise.all(jobs.slice(0, 4).map((one) => together.ingest(one)));
  facts.push(...(await Promise.all(jobs.slice(4).map((one) => together.ingest(one)))));
  for (const [i, one] of jobs.entries()) {
    expect(facts[i]).toEqual(await ingestLayer(elsewhere(one)));
    expect(readFileSync(one.indexFile)).toEqual(readFileSync(`${one.indexFile}-alone`));
    expect(readFileSync(one.copyFile as string)).toEqual(readFileSync(one.source.path));
  }
});

test("one that fails takes no other with it, and leaves its lanes free", async () => {
  const together = new LayersTogether();
  for (let round = 0; round < 5; round++) {
    const good = job(`good-${round}`, await layer(round, 100_000));
    const cut = gzipSync(await layer(round, 500_000));
    const bad = job(`bad-${round}`, cut.subarray(0, cut.length / 2));
    const results = await Promise.allSettled([together.ingest(good), together.ingest(bad)]);
    expect(results[0]).toMatchObject({ status: "fulfilled" });
    expect(results[1]).toMatchObject({ status: "rejected", reason: { code: "GZIP_INVALID" } });
  }
});

test("a layer that is still being written is waited for while others go on", async () => {
  const tar = await layer(1, 400_000);
  const growing = makeGrowingFile();
  const writer = new GrowingFileWriter(growing);
  const late = job("late", tar);
  late.source.growing = growing;
  const together = new LayersTogether();
  writer.advance(300_000);
  const all = Promise.all([together.ingest(late), together.ingest(job("other", tar))]);
  setTimeout(() => {
    writer.advance(tar.length - 300_000);
    writer.end();
  }, 30);
  const [first, second] = await all;
  expect(first).toEqual(second);
});
