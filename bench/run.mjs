#!/usr/bin/env node
// `npm run bench [-- GROUP ...]`: prints a table for each group. Root; CORPUS names a directory of archives (see bench/README.md).
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { groups as images } from "./images/images.mjs";
import { groups as containers } from "./containers/containers.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
if (spawnSync(process.execPath, [join(root, "scripts/setup.mjs")], { stdio: "inherit" }).status !== 0) process.exit(1);
const groups = { ...images, ...containers };
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => groups[name] === undefined);
const corpus = process.env.CORPUS;
if (unknown.length > 0 || corpus === undefined) {
  console.error(
    `usage: CORPUS=DIR [RUNS=5] [IMAGES="busybox debian big many"] npm run bench -- [${Object.keys(groups).join("] [")}]`,
  );
  process.exit(2);
}
const config = {
  corpus,
  runs: Number(process.env.RUNS ?? 5),
  images: (process.env.IMAGES ?? "busybox debian big many").split(" "),
};
for (const name of wanted.length > 0 ? wanted : Object.keys(groups)) groups[name](config);
