import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // ffi-rs crashes a worker thread that loads it; forks also keep namespaces and signals apart.
    pool: "forks",
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
