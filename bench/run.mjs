#!/usr/bin/env node
// `npm run bench [-- GROUP ...]`: gantry beside every installed peer; one table, one chart. Root. See bench/README.md.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { groups, operations as containerOperations } from "./containers/containers.mjs";
import { makeImage } from "./images/make-image.mjs";
import { imagesFor, operations as imageOperations } from "./images/operations.mjs";
import { measureScale, scaleTable } from "./images/scale.mjs";
import { compare } from "./measure.mjs";
import { available } from "./peers.mjs";
import { resultChart, resultTable, scaleChart } from "./report.mjs";

const operations = { ...imageOperations, ...containerOperations };
const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const known = [...Object.keys(operations), "scale", ...Object.keys(groups)];
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(
    `unknown: ${unknown.join(" ")}\nusage: npm run bench [-- ${known.map((name) => `[${name}]`).join(" ")}]`,
  );
  console.error(
    "environment: CORPUS=DIR of docker-archives  RUNS=5  IMAGES='debian big'  OUT=DIR  BENCH_DIR=DIR  QUICK=1",
  );
  process.exit(2);
}
if (process.getuid() !== 0) {
  console.error("the benchmark mounts a fresh file system for each run: run it as root");
  process.exit(2);
}
if (spawnSync(process.execPath, [join(here, "../scripts/setup.mjs")], { stdio: "inherit" }).status !== 0)
  process.exit(1);

const work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "gantry-bench-"));
const out = process.env.OUT ?? join(here, "results");
mkdirSync(out, { recursive: true });
const config = {
  corpus: process.env.CORPUS ?? makeCorpus(),
  runs: Number(process.env.RUNS ?? 5),
  images: process.env.IMAGES?.split(" "),
  quick: process.env.QUICK === "1",
  work,
};
const isWanted = (name) => (wanted.length === 0 ? name !== "scale" : wanted.includes(name));
try {
  const results = [];
  for (const [name, operation] of Object.entries(operations)) {
    if (!isWanted(name) || (operation.needsShell && process.env.CORPUS === undefined)) continue;
    for (const image of imagesFor(operation, config)) {
      const { repeat = 1, warm } = operation;
      const options = { runs: config.runs, repeat, warm: warm?.(image) ?? [] };
      const rows = compare(available(operation.contenders(image)), options);
      results.push({ title: operation.title, image: image.id, rows });
      console.error(resultTable(results.slice(-1)));
    }
  }
  if (results.length > 0) {
    console.log(resultTable(results));
    writeFileSync(join(out, "images.json"), `${JSON.stringify(results, undefined, 1)}\n`);
    writeFileSync(join(out, "images.svg"), resultChart(results));
  }
  if (isWanted("scale")) {
    const series = measureScale(config);
    console.log(scaleTable(series));
    writeFileSync(join(out, "scale.svg"), scaleChart(series));
  }
  for (const [name, measure] of Object.entries(groups)) if (isWanted(name)) measure(config);
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Images of our own making, where CORPUS names none: shaped as the real ones that bench/README.md was measured with. */
function makeCorpus() {
  const corpus = join(work, "corpus");
  mkdirSync(corpus);
  const shapes = {
    busybox: { name: "busybox:latest", layers: 1, files: 280, bytes: 2e6 },
    debian: { name: "debian:12", layers: 1, files: 8700, bytes: 165e6 },
    big: { name: "big:1", layers: 9, files: 58_000, bytes: 1200e6 },
  };
  for (const [name, shape] of Object.entries(shapes)) {
    const path = join(corpus, `${name}.tar`);
    if (!existsSync(path)) makeImage(path, shape);
  }
  console.error("CORPUS is not set: measuring images of our own making; they have no shell, so nothing is run in them");
  return corpus;
}
