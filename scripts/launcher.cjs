#!/usr/bin/env node
// Runs gantry.cjs from V8's code cache: parsing and compiling the program would cost more than most commands do. The cache's
// name holds the bundle's digest, because V8 compares only lengths, and V8's version, so that two versions of node do not
// take turns in replacing it. A cache that is missing or refused is made anew where the directory can be written.
"use strict";
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");
const filename = __dirname + "/gantry.cjs";
const cacheFile = `${__dirname}/gantry.__BUNDLE_DIGEST__.${process.versions.v8}.${process.arch}.cache`;
// The bundle is ASCII: no decoding.
const source = readFileSync(filename, "latin1");
let cachedData;
try {
  cachedData = readFileSync(cacheFile);
} catch {
  // Not made yet.
}
const script = new Script(source, { filename, cachedData });
const program = script.runInThisContext();

function writeCache() {
  const { accessSync, constants, renameSync, rmSync, writeFileSync } = require("node:fs");
  const making = `${cacheFile}.${process.pid}`;
  try {
    accessSync(__dirname, constants.W_OK);
    // After the run, so that the functions that it compiled are in it.
    writeFileSync(making, script.createCachedData());
    renameSync(making, cacheFile);
  } catch {
    rmSync(making, { force: true });
  }
}

async function warmUp(commandLines) {
  for (const words of commandLines) {
    process.argv = [process.argv[0], filename, ...words];
    await program(require, __dirname, filename).finished;
  }
  writeCache();
}

if (process.env.GANTRY_WARM_UP) void warmUp(JSON.parse(process.env.GANTRY_WARM_UP));
else {
  if (script.cachedDataRejected !== false) process.on("exit", writeCache);
  program(require, __dirname, filename);
}
