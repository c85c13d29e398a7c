import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { missing, TestStore } from "../tools/gantry.ts";
import { dockerArchive, tarOf } from "../tools/make-archive.ts";

const reason = cannotRunBusybox() ?? missing({ tools: ["tar"] });
const TIB = 2 ** 40;

/** [offset, text] of the file, which is `size` bytes long. */
type Holed = { size: number; texts: [offset: number, text: string][] };

const FILES: Record<string, Holed> = {
  "dir/huge": {
    size: TIB + 5,
    texts: [
      [0, "begin"],
      [700 * 2 ** 30 + 12_345, "middle"],
      [TIB, "end.\n"],
    ],
  },
  "all hole": { size: 2 ** 30, texts: [] },
  ["long ".repeat(30)]: { size: 2 ** 30, texts: [[2 ** 29, "x"]] },
  "caf\u00e9": { size: 100 * 2 ** 20, texts: [[100 * 2 ** 20 - 1, "x"]] },
  "few holes": { size: 3_000_000, texts: [[2_000_000, "x"]] },
};

function make(root: string): void {
  mkdirSync(join(root, "dir"), { recursive: true });
  for (const [name, { size, texts }] of Object.entries(FILES)) {
    const fd = openSync(join(root, name), "w");
    for (const [offset, text] of texts) writeSync(fd, text, offset);
    ftruncateSync(fd, size);
    closeSync(fd);
  }
}

function expectFiles(root: string): void {
  for (const [name, { size, texts }] of Object.entries(FILES)) {
    const path = join(root, name);
    expect(statSync(path).size, name).toBe(size);
    for (const [offset, text] of texts) {
      const at = execFileSync("dd", [`if=${path}`, "bs=1", `skip=${offset}`, `count=${text.length}`, "status=none"]);
      expect(at.toString(), name).toBe(text);
    }
  }
}

const blocksOf = (root: string): number[] => Object.keys(FILES).map((name) => statSync(join(root, name)).blocks);
const few = (blocks: number[]): void => {
  for (const count of blocks) expect(count * 512).toBeLessThan(4_000_000);
};

describe.skipIf(reason)("a terabyte of holes costs nothing", () => {
  const store = new TestStore();
  const other = new TestStore();
  let container: string;

  beforeAll(async () => {
    const busybox = await tarOf([[{ name: "bin/busybox", mode: 0o755 }, readFileSync(BUSYBOX)]]);
    writeFileSync(store.path("base.tar"), await dockerArchive([busybox], { tag: "base:1" }));
    store.run("load", "-q", "-i", store.path("base.tar"));
    container = store.run("run", "-d", "--network", "none", "base:1", "/bin/busybox", "sleep", "1000");
    make(`/proc/${store.run("inspect", "-f", "{{.State.Pid}}", container)}/root`);
  });
  afterAll(() => {
    other.dispose();
    store.dispose();
  });

  function unpack(tar: string, tool: string, ...args: string[]): string {
    const target = store.path("unpacked");
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target);
    execFileSync(tool, ["-xf", tar, "-C", target, ...args], { stdio: "pipe" });
    return target;
  }

  it("in commit, save, load, run and export", () => {
    store.run("commit", container, "sparse:1");
    store.run("save", "-o", store.path("saved.tar"), "sparse:1");
    expect(statSync(store.path("saved.tar")).size).toBeLessThan(10_000_000);
    other.run("load", "-q", "-i", store.path("saved.tar"));
    const id = other.run("run", "-d", "--network", "none", "sparse:1", "/bin/busybox", "sleep", "1000");
    expectFiles(`/proc/${other.run("inspect", "-f", "{{.State.Pid}}", id)}/root`);
    other.run("export", "-o", store.path("exported.tar"), id);
    expect(statSync(store.path("exported.tar")).size).toBeLessThan(10_000_000);
  });

  it.each(["tar", "bsdtar"])("%s unpacks the export, holes kept", (tool) => {
    if (missing({ tools: [tool] }) !== undefined) return;
    const target = unpack(store.path("exported.tar"), tool);
    expectFiles(target);
    // libarchive writes small holes as zeros.
    few(blocksOf(target));
  });

  it("in a container on the unpack driver", () => {
    const env = { GANTRY_SNAPSHOTTER: "unpack" };
    const started = other.try(["run", "-d", "--network", "none", "sparse:1", "/bin/busybox", "sleep", "1000"], { env });
    const root = `/proc/${other.run("inspect", "-f", "{{.State.Pid}}", started.stdout.toString().trim())}/root`;
    expectFiles(root);
    few(blocksOf(root));
  });

  it.skipIf(missing({ tools: ["python3"] }))("Python reads the export", () => {
    const script = `
import sys, tarfile
for m in tarfile.open(sys.argv[1]):
    if m.issparse(): print(m.name, m.size, m.sparse)
`;
    const seen = execFileSync("python3", ["-c", script, store.path("exported.tar")], { encoding: "utf8" });
    expect(seen).toContain(`dir/huge ${TIB + 5} [(0, 4096), (${700 * 2 ** 30 + 12_288}, 4096), (${TIB}, 5)]`);
    expect(seen).not.toContain("few holes");
  });

  it("in import: what is imported is the tar that was exported", () => {
    const id = store.try(["import", store.path("exported.tar"), "imported:1"]);
    expect(id.stderr.toString()).toBe("");
    const made = store.run("create", "--network", "none", "imported:1", "/bin/busybox");
    store.run("export", "-o", store.path("again.tar"), made);
    expectFiles(unpack(store.path("again.tar"), "tar"));
  });

  it("gives the same layer whether zeros are holes, written or preallocated", () => {
    const commits = [
      "truncate -s 200M f",
      "dd if=/dev/zero of=f bs=1M count=200",
      "fallocate -l 200M f || dd if=/dev/zero of=f bs=1M count=200",
    ];
    const ids = commits.map((command, n) => {
      const script = `cd /tmp && ${command} && echo x | dd of=f bs=1 seek=100000000 conv=notrunc && touch -d '2020-01-01 00:00:00' f . /tmp`;
      const applets = ["mkdir", "truncate", "dd", "fallocate", "touch", "sh"];
      const links = applets.map((name) => `/bin/busybox ln -s busybox /bin/${name}`).join(" && ");
      const all = `${links} && PATH=/bin mkdir /tmp && export PATH=/bin && ${script} && touch -h -d '2020-01-01 00:00:00' /bin /bin/*`;
      const made = `same-${n}`;
      store.run("run", "--name", made, "--network", "none", "base:1", "/bin/busybox", "sh", "-c", all);
      store.run("commit", made, `same:${n}`);
      return store.run("image", "inspect", "-f", "{{index .RootFS.Layers 1}}", `same:${n}`);
    });
    expect(new Set(ids).size).toBe(1);
  });

  it("leaves files with few holes to readers that know no sparse ones", () => {
    const names = spawnSync("tar", ["-tf", store.path("exported.tar")], { encoding: "utf8" }).stdout;
    expect(names).toMatch(/^few holes$/m);
    const raw = readFileSync(store.path("exported.tar")).toString("latin1");
    expect(raw).toContain("GNUSparseFile.0/dir/huge");
    expect(raw).not.toContain("GNUSparseFile.0/few holes");
  });
});
