import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseFaults } from "../../../src/store/fault.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { removing } from "../../../src/store/reserve.ts";
import { requireStoreVersion, type StoreFormat } from "../../../src/store/store-version.ts";
import { GantryError } from "../../../src/errors/index.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "gantry-version-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

const versionOf = (): unknown => JSON.parse(readFileSync(join(root, "version.json"), "utf8"));

describe("a store of another format", () => {
  /** Format 0 called images.json names.json; 1 is as it is; 2 has a file more. */
  const format: StoreFormat = {
    version: 2,
    migrations: {
      0: (layout) => {
        if (existsSync(join(layout.root, "names.json"))) {
          renameSync(join(layout.root, "names.json"), layout.imagesFile());
        }
      },
      1: (layout) => {
        writeFileSync(join(layout.root, "more.json"), "{}");
      },
    },
  };
  const makeOld = (version: number): StoreLayout => {
    openStore(root);
    writeFileSync(join(root, "version.json"), JSON.stringify({ version }));
    if (version === 0) writeFileSync(join(root, "names.json"), '{"version":1,"images":[]}');
    return new StoreLayout(root);
  };

  it("is brought up step by step, and its version says so after each", () => {
    const layout = makeOld(0);
    requireStoreVersion(layout, format);
    expect(versionOf()).toEqual({ version: 2 });
    expect(readdirSync(root)).toEqual(expect.arrayContaining(["images.json", "more.json"]));
    expect(existsSync(join(root, "names.json"))).toBe(false);
  });

  it("goes on where a migration was interrupted", () => {
    const layout = makeOld(0);
    const failing: StoreFormat = {
      ...format,
      migrations: {
        ...format.migrations,
        1: () => {
          throw new Error("power cut");
        },
      },
    };
    expect(() => requireStoreVersion(layout, failing)).toThrow("power cut");
    expect(versionOf()).toEqual({ version: 1 });
    requireStoreVersion(layout, format);
    expect(versionOf()).toEqual({ version: 2 });
  });

  it("is refused with a way out where there is no way up, and where it is newer", () => {
    makeOld(0);
    expect(() => openStore(root)).toThrow(
      expect.objectContaining({
        code: "STORE_VERSION_UNSUPPORTED",
        remedy: expect.stringContaining("load them into another store") as string,
      }),
    );
    writeFileSync(join(root, "version.json"), '{"version":3}');
    expect(() => requireStoreVersion(new StoreLayout(root), format)).toThrow(
      expect.objectContaining({ code: "STORE_VERSION_UNSUPPORTED" }),
    );
  });
});

describe("a root that is no store", () => {
  it("is refused, and nothing is written into it", () => {
    writeFileSync(join(root, "thesis.txt"), "mine");
    mkdirSync(join(root, "blobs"));
    expect(() => openStore(root)).toThrow(expect.objectContaining({ code: "STORE_ROOT_FOREIGN" }));
    expect(() => openStore(root)).toThrow(/holds other files: thesis\.txt/);
    expect(readdirSync(root).sort()).toEqual(["blobs", "thesis.txt"]);
    expect(() => openStore(join(root, "thesis.txt"))).toThrow(expect.objectContaining({ code: "STORE_ROOT_FOREIGN" }));
  });

  it("becomes one where it is empty, fresh from mkfs, or a store that somebody was killed while making", () => {
    mkdirSync(join(root, "lost+found"));
    openStore(root);
    expect(versionOf()).toEqual({ version: 1 });
    rmSync(join(root, "version.json"));
    rmSync(join(root, "layers"), { recursive: true });
    openStore(root);
    expect(versionOf()).toEqual({ version: 1 });
    expect(existsSync(join(root, "layers"))).toBe(true);
  });
});

describe("the reserve", () => {
  const full = new GantryError("NO_SPACE", "full");

  it("is given up when a removal finds no space, which is then tried once more, and taken again", async () => {
    openStore(root);
    const layout = new StoreLayout(root);
    const files: number[] = [];
    const result = await removing(layout, () => {
      files.push(readdirSync(layout.reserveDir()).length);
      return files.length === 1 ? Promise.reject(full) : Promise.resolve("removed");
    });
    expect(result).toBe("removed");
    expect(files).toEqual([8, 0]);
    expect(readdirSync(layout.reserveDir())).toHaveLength(8);
  });

  it("does not hide other errors, nor a disk that is full all the same", async () => {
    openStore(root);
    const layout = new StoreLayout(root);
    await expect(removing(layout, () => Promise.reject(new Error("other")))).rejects.toThrow("other");
    await expect(removing(layout, () => Promise.reject(full))).rejects.toThrow("full");
  });
});

describe("rules of fault injection", () => {
  it("name point, passage and action", () => {
    expect(parseFaults("publish.move:2=kill,records.write:*=EIO,intent.sync=stop,log=/tmp/x")).toEqual({
      rules: [
        { point: "publish.move", passage: 2, action: "kill" },
        { point: "records.write", passage: undefined, action: "EIO" },
        { point: "intent.sync", passage: 1, action: "stop" },
      ],
      log: "/tmp/x",
    });
  });

  it.each(["nowhere=kill", "publish.move", "publish.move=EWHAT", "publish.move:x=kill"])("refuse %s", (text) => {
    expect(() => parseFaults(text)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});
