import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageConfig } from "../../src/image/types.ts";
import { buildTar, opaque, whiteout } from "../suites/tar-builder.ts";
import { missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive } from "../tools/make-archive.ts";

const skip = missing({ root: true });
const AT = "--timestamp=1700000000";
/** Same tar, same time: same image. */
const GOLDEN = "sha256:2f9105b26f161a83b13263aac857446b08c66ea38d30ef9875fb709698c84c4a";

const rootfs = buildTar([
  { path: "./", type: "dir" },
  { path: "./bin/", type: "dir" },
  { path: "./bin/sh", type: "file", mode: 0o4755, data: "#!/nowhere\n", xattrs: [["user.x", "y"]] },
  { path: "./etc/passwd", type: "file", data: "root:x:0:0::/:/bin/sh\n", mtime: [-5, 7] },
  whiteout("./etc/shadow"),
  opaque("./bin"),
]);

describe.skipIf(skip)("import", () => {
  const store = new TestStore();
  let server: Server;
  let url = "";
  const handlers = new Map<string, RequestListener>();

  beforeAll(async () => {
    writeFileSync(store.path("rootfs.tar"), rootfs);
    writeFileSync(store.path("rootfs.tar.gz"), gzipSync(rootfs));
    server = createServer((request, response) => {
      const handler = handlers.get(request.url ?? "");
      if (handler === undefined) response.writeHead(404).end();
      else handler(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
    store.dispose();
  });

  const blob = (digest: string): Buffer =>
    readFileSync(join(store.root, "blobs/sha256", digest.replace("sha256:", "")));
  const configOf = (id: string): ImageConfig => JSON.parse(blob(id).toString()) as ImageConfig;

  /** Runs without blocking this process, which serves the downloads. */
  async function run(...args: string[]): Promise<{ status: number | null; out: string; err: string }> {
    const child = store.start(args);
    let [out, err] = ["", ""];
    child.stdout?.on("data", (text) => (out += String(text)));
    child.stderr?.on("data", (text) => (err += String(text)));
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { status, out: out.trim(), err };
  }

  it("keeps the tar byte for byte and is the same image from a file, a pipe, compressed or not: the golden one", () => {
    const flags = [AT, "--platform=linux/amd64", "-c", 'CMD ["/bin/sh"]'];
    const id = store.run("import", ...flags, store.path("rootfs.tar"), "golden:1");
    expect(configOf(id)).toEqual({
      architecture: "amd64",
      os: "linux",
      created: "2023-11-14T22:13:20Z",
      comment: "Imported from -",
      config: { Cmd: ["/bin/sh"] },
      rootfs: { type: "layers", diff_ids: [`sha256:${createHash("sha256").update(rootfs).digest("hex")}`] },
      history: [{ created: "2023-11-14T22:13:20Z", comment: "Imported from -" }],
    });
    expect(blob(configOf(id).rootfs.diff_ids[0] as string).equals(rootfs)).toBe(true);
    const ways: (() => string)[] = [
      () => store.run("image", "import", ...flags, store.path("rootfs.tar.gz")),
      () =>
        store
          .try(["import", ...flags, "-"], { input: rootfs })
          .stdout.toString()
          .trim(),
      () =>
        store
          .try(["import", ...flags, "-"], { input: gzipSync(rootfs, { level: 1 }) })
          .stdout.toString()
          .trim(),
      () =>
        store
          .try(["import", ...flags.slice(1), "-"], { input: rootfs, env: { SOURCE_DATE_EPOCH: "1700000000" } })
          .stdout.toString()
          .trim(),
    ];
    for (const way of ways) expect(way()).toBe(id);
    expect(id).toBe(GOLDEN);
  });

  it("sets message, platform and changes, and a whiteout of the tar stays one", () => {
    const flags = ["-m", "hello", "--platform", "linux/arm64/v8", "-c", "ENV A=1", "-c", "USER u"];
    const id = store.run("import", ...flags, store.path("rootfs.tar"), "set");
    const config = configOf(id);
    expect(config).toMatchObject({ architecture: "arm64", os: "linux", variant: "v8", comment: "hello" });
    expect(config).toMatchObject({ config: { Env: ["A=1"], User: "u" }, history: [{ comment: "hello" }] });
    expect(Math.abs(Date.parse(config.created as string) - Date.now())).toBeLessThan(60_000);
    expect(store.run("image", "inspect", "-f", "{{.Comment}} {{.Architecture}}", "set")).toBe("hello arm64");
  });

  it("downloads: redirects are followed, a password is used and not kept", async () => {
    handlers.set("/from", (_request, response) => void response.writeHead(302, { location: "/rootfs.tar.gz" }).end());
    handlers.set("/rootfs.tar.gz", (request, response) => {
      const expected = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
      if (request.headers.authorization === expected) response.end(gzipSync(rootfs));
      else response.writeHead(401).end();
    });
    const { status, out, err } = await run("import", AT, `${url.replace("//", "//me:p%40ss@")}/from`, "web:1");
    expect([err.includes("p@ss"), status]).toEqual([false, 0]);
    expect(configOf(out)).toMatchObject({ comment: `Imported from ${url}/from` });
    expect(blob(configOf(out).rootfs.diff_ids[0] as string).equals(rootfs)).toBe(true);
  });

  it("of a download that fails says why and leaves nothing", async () => {
    handlers.set("/cut", (_request, response) => {
      response.writeHead(200, { "content-length": "100000" });
      response.write(rootfs, () => response.destroy());
    });
    handlers.set("/page", (_request, response) => void response.end("<html>no tar</html>".repeat(100)));
    const before = store.listing();
    const attempts: [url: string, says: RegExp][] = [
      [`${url}/missing`, /the server answered 404 Not Found/],
      [`${url}/cut`, /cannot download .*\/cut: /],
      [`${url}/page`, /is no tar, plain or compressed/],
      ["http://127.0.0.1:9999/x", /cannot download .*ECONNREFUSED/],
      ["http://[bad/x", /not a valid URL/],
    ];
    for (const [from, says] of attempts) {
      const { status, err } = await run("import", from, "bad:1");
      expect([status, err]).toEqual([1, expect.stringMatching(says)]);
    }
    expect(store.listing()).toEqual(before);
    expect(readdirSync(join(store.root, "tmp"))).toEqual([]);
  });

  it("ends at once on Ctrl-C while a download or a pipe brings nothing, and leaves nothing", async () => {
    let asked = false as boolean;
    handlers.set("/slow", (_request, response) => {
      response.write(rootfs.subarray(0, 2000));
      asked = true;
    });
    const before = store.listing();
    for (const from of [`${url}/slow`, "-"]) {
      const child = store.start(["import", from, "slow:1"]);
      const closed = new Promise((resolve) => child.once("close", resolve));
      if (from === "-") child.stdin?.write(rootfs.subarray(0, 2000));
      while (from !== "-" && !asked) await sleep(5);
      await sleep(300);
      child.kill("SIGINT");
      await closed;
      // The read of a silent pipe cannot be called off: then the signal ends the process.
      expect(child.exitCode === 130 || child.signalCode === "SIGINT").toBe(true);
    }
    expect(store.listing()).toEqual(before);
  });

  it("of what is no root file system says so, and leaves nothing", async () => {
    const before = store.listing();
    writeFileSync(store.path("cut.tar.gz"), gzipSync(rootfs).subarray(0, 200));
    const attempts: [args: string[], says: string][] = [
      [["nosuch.tar"], "open nosuch.tar: no such file or directory"],
      [[store.work], "is a directory"],
      [["/etc/hosts"], "is no tar"],
      [["/dev/null"], "is empty"],
      [[store.path("cut.tar.gz")], "cut.tar.gz"],
      [["-c", "RUN x", store.path("rootfs.tar")], "run is not a valid change command"],
      [["--platform", "a/b/c/d", store.path("rootfs.tar")], "invalid platform"],
      [[store.path("rootfs.tar"), "Bad"], "repository name must be lowercase"],
      [["--limit", "entries=2", store.path("rootfs.tar")], "entries"],
    ];
    for (const [args, says] of attempts) {
      const result = store.try(["import", ...args]);
      expect(result.status).not.toBe(0);
      expect(result.stderr.toString()).toContain(says);
    }
    expect(store.listing()).toEqual(before);
    writeFileSync(store.path("image.tar"), await dockerArchive([rootfs], { tag: "x:1" }));
    expect(store.try(["import", store.path("image.tar")]).stderr.toString()).toContain("use gantry load");
  });

  it("hashes large tars in another thread, whatever pieces they come in", { timeout: 60_000 }, async () => {
    const large = buildTar([
      { path: "a", type: "file", data: randomBytes(9 << 20) },
      { path: "b", type: "file", data: "end" },
    ]);
    const digest = `sha256:${createHash("sha256").update(large).digest("hex")}`;
    handlers.set("/large", (_request, response) => {
      void (async () => {
        for (let at = 0; at < large.length; at += 1_234_567) {
          response.write(large.subarray(at, at + 1_234_567));
          await sleep(1);
        }
        response.end();
      })();
    });
    writeFileSync(store.path("large.tar"), large);
    const ids = [
      store.run("import", AT, store.path("large.tar")),
      store
        .try(["import", AT, "-"], { input: gzipSync(large, { level: 0 }) })
        .stdout.toString()
        .trim(),
      (await run("import", AT, "-m", "Imported from -", `${url}/large`)).out,
    ];
    expect(new Set(ids).size).toBe(1);
    expect(configOf(ids[0] as string).rootfs.diff_ids).toEqual([digest]);
  });
});
