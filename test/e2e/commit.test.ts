import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ImageConfig } from "../../src/image/types.ts";
import { buildTar } from "../suites/tar-builder.ts";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { missing, TestStore, treeOf } from "../tools/gantry.ts";

const skip = missing({ root: true, tools: ["setfattr", "python3"] });
const EPOCH = 1_700_000_000;
const AT = `--timestamp=${EPOCH}`;
/** The golden digests: same changes, same image, on any machine. A change of these is a change of the format. */
const GOLDEN = {
  layer: "sha256:1e0cd6bb35157a08fa8529c2e4b07f1a89f54dee32491645c9ff3edfb7be6a20",
  image: "sha256:004bb5a222a85c8ed7164e1d7a0034e2efaa51b63fa8021415a0a7b6a2c9483f",
};

const base = buildTar([
  { path: "bin/", type: "dir" },
  { path: "bin/sh", type: "file", mode: 0o755, data: "#!/nowhere\n" },
  { path: "etc/", type: "dir" },
  { path: "etc/passwd", type: "file", data: "root:x:0:0:root:/root:/bin/sh\n" },
  { path: "old/", type: "dir" },
  { path: "old/file", type: "file", data: "old\n" },
]);

/** Makes the base image, and containers whose upper directories are filled as running ones would fill them. */
class Boxes {
  readonly store = new TestStore();
  #count = 0;

  constructor() {
    const flags = [AT, "--platform=linux/amd64", "-c", 'CMD ["/bin/sh"]', "-c", "ENV A=1", "-c", "EXPOSE 2"];
    const made = this.store.try(["import", ...flags, "-", "base"], { input: base });
    if (made.status !== 0) throw new Error(made.stderr.toString());
  }

  make(change: (upper: string) => void, ...options: string[]): string {
    const name = `box-${this.#count++}`;
    const id = this.store.run("create", "--name", name, ...options, "base");
    change(join(this.store.root, "containers", id, "upper"));
    return name;
  }

  blob(digest: string): Buffer {
    return readFileSync(join(this.store.root, "blobs/sha256", digest.replace("sha256:", "")));
  }

  config(image: string): ImageConfig {
    return JSON.parse(this.blob(image).toString()) as ImageConfig;
  }
}

/** Steps that can be taken in any order. */
function changesOf(upper: string): (() => void)[] {
  const make = (path: string | Buffer, content: string) => () => {
    writeFileSync(path, content, { mode: 0o644 });
  };
  return [
    () => {
      mkdirSync(join(upper, "dir"), { mode: 0o755 });
      for (const name of ["b", "a", "c"]) make(join(upper, "dir", name), name)();
      linkSync(join(upper, "dir/c"), join(upper, "dir/a link"));
      linkSync(join(upper, "dir/c"), join(upper, "another link"));
      symlinkSync("../nowhere", join(upper, "dir/symlink"));
    },
    make(join(upper, "zero"), ""),
    make(join(upper, "file"), "file\n".repeat(300)),
    make(Buffer.from(`${upper}/not-\xff-utf-8`, "latin1"), "x"),
    () => {
      make(join(upper, "owned"), "x")();
      chownSync(join(upper, "owned"), 3_000_000, 4_000_000_000);
      spawnSync("touch", ["-d", "1969-12-30T23:59:59.123456789Z", join(upper, "owned")]);
    },
    () => {
      make(join(upper, "attributes"), "x")();
      for (const name of ["trusted.b", "trusted.a", "security.c"]) set(join(upper, "attributes"), name, "0x00ff");
      set(join(upper, "attributes"), "security.capability", "0x0100000200040000000000000000000000000000");
    },
    () => spawnSync("mknod", [join(upper, "gone"), "c", "0", "0"]),
    () => {
      mkdirSync(join(upper, "old"), { mode: 0o755 });
      set(join(upper, "old"), "trusted.overlay.opaque", "y");
    },
  ];
}

function set(path: string, name: string, value: string): void {
  spawnSync("setfattr", ["-n", name, "-v", value, path]);
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

describe.skipIf(skip)("commit", () => {
  let boxes: Boxes;
  let store: TestStore;

  beforeAll(() => {
    boxes = new Boxes();
    ({ store } = boxes);
  });
  afterAll(() => {
    store.dispose();
  });

  it("of the same changes is the same image, whatever order they were made in: the golden one", () => {
    const forward = boxes.make((upper) => {
      for (const step of changesOf(upper)) step();
    });
    const backward = boxes.make((upper) => {
      for (const step of changesOf(upper).reverse()) step();
    }, "--hostname=other");
    const image = store.run("commit", AT, "-a", "A", "-m", "M", forward, "golden");
    expect(store.run("commit", AT, "-a", "A", "-m", "M", backward)).toBe(image);
    const layer = boxes.config(image).rootfs.diff_ids.at(-1) as string;
    expect(sha256(boxes.blob(layer))).toBe(layer);
    expect({ layer, image }).toEqual(GOLDEN);
  });

  it("keeps what files have: ids, times, attributes of every kind, links, names that are not UTF-8", () => {
    const layer = boxes.config(store.run("images", "-q", "--no-trunc", "golden")).rootfs.diff_ids.at(-1) as string;
    const tree = treeOf("tar", boxes.blob(layer)).map((line) => JSON.parse(line) as Record<string, unknown>);
    const at = (path: string): Record<string, unknown> | undefined => tree.find((entry) => entry["p"] === path);
    expect(at("owned")).toMatchObject({ u: 3_000_000, g: 4_000_000_000, m: -86_401 });
    expect(at("attributes")?.["x"]).toEqual({
      "security.c": "00ff",
      "security.capability": "0100000200040000000000000000000000000000",
      "trusted.a": "00ff",
      "trusted.b": "00ff",
    });
    expect(at("another link")).toMatchObject({ h: at("dir/c")?.["h"] });
    expect(at("dir/symlink")).toMatchObject({ t: "l", to: "../nowhere" });
    expect(at("not-\xff-utf-8")).toMatchObject({ s: 1, m: EPOCH });
    expect(tree.map(({ p }) => p)).toEqual(expect.arrayContaining([".wh.gone", "old/.wh..wh..opq"]));
  });

  it("on another file system is the same image", () => {
    if (statSync("/dev/shm").dev === statSync(store.work).dev) return;
    const shared = `/dev/shm/gantry-test-${process.pid}`;
    const elsewhere = (...words: string[]) => store.try(["--root", shared, ...words], { input: base });
    try {
      elsewhere(
        "import",
        AT,
        "--platform=linux/amd64",
        "-c",
        'CMD ["/bin/sh"]',
        "-c",
        "ENV A=1",
        "-c",
        "EXPOSE 2",
        "-",
        "base",
      );
      const id = elsewhere("create", "base").stdout.toString().trim();
      for (const step of changesOf(join(shared, "containers", id, "upper"))) step();
      expect(elsewhere("commit", AT, "-a", "A", "-m", "M", id).stdout.toString().trim()).toBe(GOLDEN.image);
    } finally {
      spawnSync("rm", ["-rf", shared]);
    }
  });

  it("writes Docker's config: author, comment, the command as created_by, changes in order", () => {
    const box = boxes.make(
      (upper) => {
        writeFileSync(join(upper, "x"), "x");
      },
      "-e",
      "B=2",
      "--label",
      "l=m",
    );
    const changes = ["ENV C=$A$B", 'ENTRYPOINT ["e"]', "EXPOSE 1/udp", "WORKDIR /w"].flatMap((text) => ["-c", text]);
    const config = boxes.config(store.run("commit", AT, "-a", "Me <m@e>", "-m", "why", ...changes, box, "named:1"));
    expect(config).toEqual({
      architecture: "amd64",
      os: "linux",
      created: "2023-11-14T22:13:20Z",
      author: "Me <m@e>",
      config: {
        ExposedPorts: { "1/udp": {}, "2/tcp": {} },
        Env: ["B=2", "A=1", "C=12"],
        Entrypoint: ["e"],
        WorkingDir: "/w",
        Labels: { l: "m" },
      },
      rootfs: { type: "layers", diff_ids: [expect.any(String), expect.any(String)] },
      history: [
        { created: "2023-11-14T22:13:20Z", comment: "Imported from -" },
        { created: "2023-11-14T22:13:20Z", author: "Me <m@e>", created_by: "/bin/sh", comment: "why" },
      ],
    });
  });

  it("of a container that changed nothing makes no layer, though the engine made its mount points", () => {
    const box = boxes.make((upper) => {
      for (const name of ["dev", "proc", "sys", "etc"]) mkdirSync(join(upper, name), { mode: 0o755 });
      for (const name of ["hosts", "hostname", "resolv.conf"]) writeFileSync(join(upper, "etc", name), "");
    });
    const config = boxes.config(store.run("commit", AT, box));
    expect(config.rootfs.diff_ids).toHaveLength(1);
    expect(config.history?.at(-1)).toMatchObject({ empty_layer: true });
    // A directory that was changed as well is not of the engine's making.
    const other = boxes.make((upper) => {
      mkdirSync(join(upper, "etc"), { mode: 0o700 });
      writeFileSync(join(upper, "etc/hosts"), "");
    });
    const layer = boxes.config(store.run("commit", AT, other)).rootfs.diff_ids.at(-1) as string;
    expect(treeOf("tar", boxes.blob(layer)).map((line) => (JSON.parse(line) as { p: string }).p)).toEqual(["etc"]);
  });

  it("of a container whose image was removed keeps the layers that the container kept", () => {
    const box = boxes.make((upper) => {
      writeFileSync(join(upper, "x"), "x");
    });
    const before = store.run("commit", AT, box);
    store.run("tag", "base", "again");
    const own = new Boxes();
    try {
      const mine = own.make((upper) => {
        writeFileSync(join(upper, "x"), "x");
      });
      own.store.run("rmi", "-f", "base");
      const image = own.store.run("commit", AT, mine, "kept");
      const layers = own.config(image).rootfs.diff_ids;
      expect(layers).toEqual(boxes.config(before).rootfs.diff_ids);
      for (const layer of layers) expect(sha256(own.blob(layer))).toBe(layer);
    } finally {
      own.store.dispose();
    }
  });

  it("leaves sockets out, and says so", () => {
    const box = boxes.make((upper) => {
      mkdirSync(join(upper, "run"));
      spawnSync("python3", [
        "-c",
        "import os,stat,sys; os.mknod(sys.argv[1], stat.S_IFSOCK | 0o600)",
        join(upper, "run/s"),
      ]);
    });
    const result = store.try(["commit", AT, box]);
    expect(result.status).toBe(0);
    expect(result.stderr.toString()).toContain("/run/s is a socket");
    const layer = boxes.config(result.stdout.toString().trim()).rootfs.diff_ids.at(-1) as string;
    expect(treeOf("tar", boxes.blob(layer))).toHaveLength(1);
  });

  it("with a change, a name or a time that makes no sense leaves everything as it was", () => {
    const fresh = new Boxes();
    const box = fresh.make((upper) => {
      writeFileSync(join(upper, "x"), "x");
    });
    const before = fresh.store.listing();
    const attempts: [args: string[], says: string, env?: Record<string, string>][] = [
      [["-c", "FOO x", box], "foo is not a valid change command"],
      [["-c", "EXPOSE 99999", box], "Invalid containerPort"],
      [["-c", "", box], "file with no instructions"],
      [[box, "Upper:1"], "repository name must be lowercase"],
      [[box, "x@sha256:" + "0".repeat(64)], "refusing to create a tag with a digest reference"],
      [["--timestamp", "yesterday", box], "neither a number of seconds nor RFC 3339"],
      [["no-such-box"], "No such container"],
      [[box], "SOURCE_DATE_EPOCH", { SOURCE_DATE_EPOCH: "soon" }],
    ];
    for (const [args, says, env] of attempts) {
      const result = fresh.store.try(["commit", ...args], env === undefined ? {} : { env });
      expect(result.status).not.toBe(0);
      expect(result.stderr.toString()).toContain(says);
    }
    expect(fresh.store.listing()).toEqual(before);
    expect(readdirSync(join(fresh.store.root, "tmp"))).toEqual([]);
    fresh.store.dispose();
  });
});

describe.skipIf(skip ?? cannotRunBusybox())("commit of a running container", () => {
  const store = new TestStore();
  let state = "";
  const stateText = (): string => readFileSync(state, "utf8").trim();
  const isFrozen = (): boolean => /^FROZEN$|^frozen 1$/m.test(stateText());

  beforeAll(() => {
    const layer = buildTar([{ path: "bin/busybox", type: "file", mode: 0o755, data: readFileSync(BUSYBOX) }]);
    store.try(["import", "-", "busybox"], { input: layer });
    const id = store.run("run", "-d", "--name=box", "busybox", "/bin/busybox", "sh", "-c", "while :; do :; done");
    const cgroup = spawnSync("find", ["/sys/fs/cgroup", "-type", "d", "-name", id]).stdout.toString().split("\n");
    const files = ["freezer.state", "cgroup.events"].flatMap((name) => cgroup.map((path) => join(path, name)));
    state = files.find((path) => existsSync(path)) ?? "";
    writeFileSync(join(store.root, "containers", id, "upper/large"), randomBytes(16 << 20));
  });
  afterAll(() => {
    store.dispose();
  });

  it("freezes it meanwhile, and thaws it; not with --no-pause or --pause=false", { timeout: 60_000 }, async () => {
    const seen: boolean[] = [];
    for (const flags of [[], ["--no-pause"], ["--pause=false"]]) {
      const child = store.start(["commit", ...flags, "box"]);
      let frozen = false;
      let ended = false as boolean;
      child.once("close", () => (ended = true));
      while (!ended) {
        frozen ||= isFrozen();
        await sleep(2);
      }
      expect(child.exitCode).toBe(0);
      expect(isFrozen()).toBe(false);
      seen.push(frozen);
    }
    expect(seen).toEqual([true, false, false]);
  });

  it("is thawed by a Ctrl-C, and after a kill -9 by the next command", { timeout: 60_000 }, async () => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const child = store.start(["commit", "box"]);
      const closed = new Promise((resolve) => child.once("close", resolve));
      while (!isFrozen() && child.exitCode === null) await sleep(2);
      child.kill(signal);
      await closed;
      expect(isFrozen()).toBe(signal === "SIGKILL");
      expect(store.run("ps", "-q")).not.toBe("");
      expect(isFrozen()).toBe(false);
      expect(readdirSync(join(store.root, "tmp"))).toEqual([]);
    }
  });
});
