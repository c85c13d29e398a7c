#!/usr/bin/env node
// `npm test`: sets up if needed, then Rust's tests, then all tests of TypeScript; arguments go to vitest.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const args = process.argv.slice(2);
// Certificates in the environment cost 28 ms at every start of node; tests start it often.
const env = { ...process.env };
delete env.NODE_EXTRA_CA_CERTS;

function run(command, commandArgs, options = {}) {
  const { status } = spawnSync(command, commandArgs, { stdio: "inherit", ...options });
  if (status !== 0) process.exit(status ?? 1);
}
run(process.execPath, ["scripts/setup.mjs"]);
if (args.length === 0)
  run("cargo", ["test", "--release", "--quiet", "--locked", "--manifest-path", "native/Cargo.toml"], { env });
run("npx", ["vitest", "run", ...args], { env });
