import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { vi, afterAll, beforeAll, describe, expect, it } from "vitest";
import { GANTRY, missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const noScript = missing({ tools: ["script"] });

describe("gantry save", () => {
  const store = new TestStore();
  beforeAll(async () => {
    const layer = await tarOf([[{ name: "data", mtime: new Date(0) }, "saved ".repeat(300_000)]]);
    writeFileSync(store.path("image.tar"), await dockerArchive([layer], { tag: "a:1" }));
    store.run("load", "-i", store.path("image.tar"));
  });
  afterAll(() => store.dispose());

  const shell = (line: string): ReturnType<typeof spawnSync> =>
    spawnSync("bash", ["-c", line], { env: { ...process.env, GANTRY_ROOT: store.root, NODE_EXTRA_CA_CERTS: "" } });

  it.each([
    [["--compress", "lzma", "a:1"], /must be one of none, gzip, zstd/],
    [["--compress-level", "3", "a:1"], /--compress-level needs --compress gzip or --compress zstd/],
    [["--compress", "gzip", "--compress-level", "12", "a:1"], /gzip has no level over 9/],
    [["--format", "zip", "a:1"], /must be one of docker-archive, oci-archive, oci-dir/],
    [["--format", "oci-dir", "a:1"], /a directory cannot be written to a stream/],
    [["--platform", "linux/x/y/z", "a:1"], /invalid platform/],
    [["--since", "nowhere", "a:1"], /No such image: nowhere:latest/],
    [["-o", "/no/such/directory/a.tar", "a:1"], /the directory "\/no\/such\/directory" does not exist/],
  ])("%j is refused in words", (args, says) => {
    const result = store.try(["save", ...args]);
    expect(result.stderr.toString()).toMatch(says);
    expect(result.status).not.toBe(0);
    expect(result.stdout.length).toBe(0);
  });

  it("ends quietly, as SIGPIPE would end it, when its reader has gone", () => {
    const result = shell(`"${GANTRY}" save --progress quiet a:1 | head -c 1 >/dev/null; exit \${PIPESTATUS[0]}`);
    expect([result.status, result.stderr.toString()]).toEqual([141, ""]);
  });

  it.skipIf(noScript)("refuses a terminal in every format", () => {
    for (const format of ["docker-archive", "oci-archive"]) {
      const line = `'${GANTRY}' save --format ${format} a:1`;
      const { stdout } = shell(`script -qec "${line}" /dev/null </dev/null`);
      expect(stdout.toString()).toMatch(/refusing to write an image archive to a terminal/);
    }
  });

  it("replaces a file, which keeps its mode", () => {
    const file = store.path("kept.tar");
    writeFileSync(file, "old");
    chmodSync(file, 0o604);
    store.run("save", "-o", file, "a:1");
    expect(statSync(file).mode & 0o777).toBe(0o604);
    expect(statSync(file).size).toBeGreaterThan(1_800_000);
  });

  it("tells its progress in bytes, compression included", () => {
    const result = store.try(["save", "--progress", "json", "--compress", "gzip", "-o", store.path("p.tar"), "a:1"]);
    const events = result.stderr
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { kind: string; task: string; totalBytes?: number });
    const starts = events.filter(({ kind }) => kind === "start");
    expect(starts.map(({ task }) => task)).toEqual(["compress", "archive"]);
    expect(starts[1]?.totalBytes).toBe(statSync(store.path("p.tar")).size);
  });

  it("cancelled, or killed, while it compresses, leaves nothing", async () => {
    for (const signal of ["INT", "KILL"]) {
      for (const format of ["docker-archive", "oci-dir"]) {
        const target = store.path(`cancelled-${format}`);
        shell(
          `timeout -s ${signal} 0.15 "${GANTRY}" save --format ${format} --compress zstd --compress-level 19 -o "${target}" a:1`,
        );
        expect(existsSync(target)).toBe(false);
        // timeout(1) does not wait for what it kills, and a process with threads takes a while to let go of its locks.
        await vi.waitFor(() => {
          store.run("images");
          expect(readdirSync(store.path("store/tmp"))).toEqual([]);
        }, 10_000);
      }
    }
  });

  it("gives the same bytes every time", () => {
    const args = ["save", "--format", "oci-archive", "--compress", "zstd", "a:1"];
    expect(store.try(args).stdout.equals(store.try(args).stdout)).toBe(true);
    store.run(...args.slice(0, -1), "-o", store.path("same.tar"), "a:1");
    expect(readFileSync(store.path("same.tar")).equals(store.try(args).stdout)).toBe(true);
  });
});
