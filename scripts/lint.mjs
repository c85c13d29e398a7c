#!/usr/bin/env node
// All linters: TypeScript (tsc, eslint, prettier), AssemblyScript (eslint, prettier; asc checks types at build), Rust (clippy, rustfmt).
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const cargo = ["--manifest-path", "native/Cargo.toml"];
const checks = [
  ["npx", ["tsc", "-p", "."]],
  ["npx", ["eslint", "--cache", "--cache-location", "node_modules/.cache/eslint", "--max-warnings", "0", "."]],
  [
    "npx",
    [
      "prettier",
      "--check",
      "--log-level",
      "warn",
      "src",
      "wasm",
      "test",
      "bench/**/*.{ts,mjs}",
      "scripts",
      "*.{json,mjs,ts}",
    ],
  ],
  ["cargo", ["fmt", ...cargo, "--all", "--check"]],
  ["cargo", ["clippy", ...cargo, "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"]],
];
let failed = 0;
for (const [command, args] of checks) {
  console.log(`lint: ${command} ${args[0]}`);
  if (spawnSync(command, args, { stdio: "inherit" }).status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
