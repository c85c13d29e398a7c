import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  connectUnix,
  getXattr,
  kernelVersion,
  listXattrs,
  openIn,
  preallocate,
  probeErofsFile,
  punchHole,
  removeXattr,
  renameExchange,
  renameNoReplace,
  setXattr,
  startWriteback,
  syncFiles,
  syncFilesAsync,
  syncFileSystem,
} from "../../../src/bridge/index.ts";
import { lacksRoot, scratchDirectory } from "./scratch.ts";

const scratch = scratchDirectory("file");

describe("openIn", () => {
  const root = join(scratch, "root");
  mkdirSync(join(root, "etc"), { recursive: true });
  writeFileSync(join(root, "etc/passwd"), "inside");
  symlinkSync("/etc/passwd", join(root, "absolute"));
  symlinkSync("../../../../etc/passwd", join(root, "up"));
  symlinkSync("/proc/self/root", join(root, "magic"));

  it("keeps absolute links and .. inside the root", () => {
    for (const path of ["absolute", "up", "../../etc/passwd", "/etc/passwd"]) {
      const fd = openIn(root, path, constants.O_RDONLY);
      expect(readFileSync(fd, "utf8")).toBe("inside");
      closeSync(fd);
    }
  });

  it("takes the root as a descriptor, and creates", () => {
    const fd = openSync(root, "r");
    const file = openIn(fd, "/etc/new", constants.O_CREAT | constants.O_WRONLY, 0o600);
    expect(statSync(join(root, "etc/new")).mode & 0o777).toBe(0o600);
    closeSync(file);
    closeSync(fd);
  });

  it("says what is missing inside the root", () => {
    expect(() => openIn(root, "magic/etc/passwd", 0)).toThrow(/ENOENT/);
  });
});

describe("renames", () => {
  it("without replacing leave a taken name alone", () => {
    const [a, b] = [join(scratch, "ra"), join(scratch, "rb")];
    writeFileSync(a, "a");
    writeFileSync(b, "b");
    expect(renameNoReplace(a, b)).toBe(false);
    expect(readFileSync(b, "utf8")).toBe("b");
    expect(renameNoReplace(a, join(scratch, "rc"))).toBe(true);
    expect(existsSync(a)).toBe(false);
    expect(() => renameNoReplace(a, join(scratch, "rd"))).toThrow(/ENOENT/);
  });

  it("can swap two names at once", () => {
    const [a, b] = [join(scratch, "xa"), join(scratch, "xb")];
    writeFileSync(a, "a");
    mkdirSync(b);
    renameExchange(a, b);
    expect(readFileSync(b, "utf8")).toBe("a");
    expect(statSync(a).isDirectory()).toBe(true);
  });
});

describe("space and durability", () => {
  it("reserves, frees and writes out ranges without changing the size", async () => {
    const path = join(scratch, "space");
    writeFileSync(path, Buffer.alloc(1 << 20, 1));
    const fd = openSync(path, "r+");
    preallocate(fd, 0, 4 << 20);
    preallocate(fd, 0, 0);
    expect(statSync(path).size).toBe(1 << 20);
    startWriteback(fd, 0, 1 << 20);
    if (punchHole(fd, 4096, 8192)) expect(readFileSync(path).subarray(4096, 12288)).toEqual(Buffer.alloc(8192));
    await syncFileSystem(fd);
    closeSync(fd);
  });
});

describe("extended attributes", () => {
  const path = join(scratch, "attributes");
  writeFileSync(path, "");

  it("of a file are set, listed, read and removed, by path and by descriptor", () => {
    const value = new Uint8Array([0, 255, 10]);
    setXattr(path, "user.one", value);
    const fd = openSync(path, "r");
    setXattr(fd, "user.two", new Uint8Array(0));
    expect(listXattrs(fd).filter((name) => name.startsWith("user."))).toEqual(["user.one", "user.two"]);
    expect(getXattr(fd, "user.one")).toEqual(value);
    expect(getXattr(path, "user.two")).toEqual(new Uint8Array(0));
    removeXattr(path, "user.one");
    removeXattr(path, "user.one");
    expect(getXattr(path, "user.one")).toBeUndefined();
    closeSync(fd);
  });

  it.skipIf(lacksRoot())("of a symbolic link are its own", () => {
    const link = join(scratch, "link");
    symlinkSync("attributes", link);
    setXattr(link, "trusted.link", Buffer.from("own"));
    expect(getXattr(path, "trusted.link")).toBeUndefined();
    // O_PATH | O_NOFOLLOW opens the link itself.
    const fd = openSync(link, 0o10000000 | constants.O_NOFOLLOW);
    expect(Buffer.from(getXattr(fd, "trusted.link")!).toString()).toBe("own");
    closeSync(fd);
  });

  it("of a missing file fail with its path", () => {
    expect(() => listXattrs("/missing")).toThrow(/listxattr "\/missing": no such file or directory \(ENOENT\)/);
  });
});

describe("connectUnix", () => {
  it("reaches a socket whose path is longer than an address", async () => {
    const path = join(scratch, "d".repeat(120), "attach.sock");
    mkdirSync(dirname(path), { recursive: true });
    const fd = openSync(dirname(path), "r");
    const server = createServer((socket) => socket.end("hello")).listen(`/proc/self/fd/${fd}/attach.sock`);
    await new Promise((resolve) => server.once("listening", resolve));
    const { Socket } = await import("node:net");
    const socket = new Socket({ fd: connectUnix(path) });
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toBe("hello");
    await new Promise((resolve) => server.close(resolve));
    closeSync(fd);
    expect(() => connectUnix(path)).toThrow(/ENOENT|ECONNREFUSED/);
  });
});

describe("the kernel", () => {
  it("tells its version", () => {
    expect(kernelVersion()[0]).toBeGreaterThanOrEqual(4);
  });

  it("tells whether it mounts EROFS from files, or why not", () => {
    const support = probeErofsFile(scratch);
    if (support.supported) {
      const [major, minor] = kernelVersion();
      expect(major * 1000 + minor).toBeGreaterThanOrEqual(6012);
    } else expect(support.reason).toMatch(/mount erofs from a file/);
    expect(() => probeErofsFile("/no/such")).not.toThrow();
  });
});

describe("syncFiles", () => {
  it("takes more files and directories than it has threads, and none", async () => {
    const paths = Array.from({ length: 40 }, (_, n) => join(scratch, `sync-${n}`));
    for (const path of paths) writeFileSync(path, "x");
    syncFiles([...paths, scratch]);
    await syncFilesAsync([...paths, scratch]);
    syncFiles([]);
  });

  it("says which one it could not open, and does not stop at it", () => {
    const missing = join(scratch, "not-there");
    const all = [scratch, missing, scratch];
    expect(() => {
      syncFiles(all);
    }).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ path: missing, name: "ENOENT" }) as unknown }),
    );
  });
});
