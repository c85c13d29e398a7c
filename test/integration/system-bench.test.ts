import { readdirSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { missing, TestStore } from "../tools/gantry.ts";

const store = new TestStore();
afterAll(() => {
  store.dispose();
});

test("system bench measures kernels, disk and a container start, and leaves nothing", () => {
  const facts = JSON.parse(store.run("system", "bench", "--format", "json")) as {
    StartMs: number;
    Kernels: { Name: string; PerSecond: number; Unit: string }[];
    Disk: Record<string, number>;
    Container: Record<string, number | string>;
  };
  expect(facts.StartMs).toBeGreaterThan(1);
  expect(facts.Kernels.map((kernel) => kernel.Name)).toContain("SHA-256, four streams");
  for (const { PerSecond } of facts.Kernels) expect(PerSecond).toBeGreaterThan(1000);
  expect(facts.Disk["WrittenPerSecond"]).toBeGreaterThan(0);
  if (missing({ root: true }) === undefined) {
    expect(facts.Container["Error"]).toBeUndefined();
    expect(facts.Container["StartMs"]).toBeLessThan(facts.Container["WholeMs"] as number);
  }
  expect(readdirSync(`${store.root}/tmp`)).toEqual([]);
  expect(store.run("images", "-q")).toBe("");
  expect(store.run("ps", "-aq")).toBe("");
});
