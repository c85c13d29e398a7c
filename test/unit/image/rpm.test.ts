import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { InstalledPackage } from "../../../src/image/packages/package.ts";
import { berkeleyHeaders } from "../../../src/image/packages/rpm-berkeley-db.ts";
import { parseRpmHeader } from "../../../src/image/packages/rpm-header.ts";
import { parseRpmDatabase, RpmDatabaseError } from "../../../src/image/packages/rpm.ts";
import { Random } from "../../oracles/random.ts";
import { missing } from "../../tools/gantry.ts";

/** A header as rpm stores it, of strings and one-element int32 fields. */
function rpmHeader(fields: readonly (readonly [tag: number, value: string | number])[]): Buffer {
  const store: Buffer[] = [];
  const entries = fields.map(([tag, value]) => {
    const entry = Buffer.alloc(16);
    const bytes = typeof value === "string" ? Buffer.from(`${value}\0`) : Buffer.alloc(4);
    if (typeof value === "number") bytes.writeUInt32BE(value);
    const place = store.reduce((sum, one) => sum + one.length, 0);
    for (const [n, word] of [tag, typeof value === "string" ? 6 : 4, place, 1].entries())
      entry.writeUInt32BE(word, n * 4);
    store.push(bytes);
    return entry;
  });
  const introduction = Buffer.alloc(8);
  introduction.writeUInt32BE(fields.length);
  introduction.writeUInt32BE(Buffer.concat(store).length, 4);
  return Buffer.concat([introduction, ...entries, ...store]);
}

const BASH = rpmHeader([
  [1000, "bash"],
  [1001, "5.2.26"],
  [1002, "3.fc40"],
  [1004, "The GNU shell"],
  [1022, "x86_64"],
]);
const PERL = rpmHeader([
  [1003, 4],
  [1000, "perl"],
  [1001, "5.38"],
  [1002, "1"],
]);

const RPM_TABLE = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)";

/** A database of SQLite with what these statements make, and these blobs in its table Packages. */
async function sqliteDatabase(statements: readonly string[], blobs: readonly Uint8Array[] = []): Promise<Uint8Array> {
  const require = createRequire(import.meta.url);
  const start = require("sql.js") as () => Promise<{
    Database: new () => { run(sql: string, values?: unknown[]): void; export(): Uint8Array };
  }>;
  const database = new (await start()).Database();
  for (const statement of statements) database.run(statement);
  for (const blob of blobs) database.run("INSERT INTO Packages (blob) VALUES (?)", [blob]);
  return database.export();
}

const reason = missing({ tools: ["rpm", "rpmbuild", "python3"] });

const directory = mkdtempSync(join(tmpdir(), "gantry-rpm-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const shown = (packages: readonly InstalledPackage[]): string[] =>
  packages.map(({ name, version, architecture }) => `${name} ${version} ${architecture}`).sort();

async function failure(database: Uint8Array): Promise<string> {
  const error = await parseRpmDatabase(database).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RpmDatabaseError);
  return (error as Error).message;
}

describe("a header of an rpm database", () => {
  it("says name, version as rpm writes it, and architecture", () => {
    expect(parseRpmHeader(BASH)).toEqual({
      manager: "rpm",
      name: "bash",
      version: "5.2.26-3.fc40",
      architecture: "x86_64",
    });
    expect(parseRpmHeader(PERL)).toMatchObject({ name: "perl", version: "4:5.38-1", architecture: "" });
  });

  it("is none when it is cut off, claims more than it holds or names nothing", () => {
    for (let length = 0; length < BASH.length; length++)
      expect(parseRpmHeader(BASH.subarray(0, length))).toBeUndefined();
    for (const at of [0, 4]) {
      const wrong = Buffer.from(BASH);
      wrong.writeUInt32BE(0xffffffff, at);
      expect(parseRpmHeader(wrong)).toBeUndefined();
    }
    expect(parseRpmHeader(rpmHeader([[1001, "1"]]))).toBeUndefined();
  });

  it("does not bring control characters to a terminal", () => {
    expect(parseRpmHeader(rpmHeader([[1000, "a\x1b[2Jb"]]))).toMatchObject({ name: "a\\x1b[2Jb" });
  });
});

describe("an rpm database of SQLite", () => {
  it("gives its packages", async () => {
    const database = await sqliteDatabase([RPM_TABLE], [BASH, PERL]);
    expect(shown(await parseRpmDatabase(database))).toEqual(["bash 5.2.26-3.fc40 x86_64", "perl 4:5.38-1 "]);
  });

  it("that is empty has none", async () => {
    expect(await parseRpmDatabase(new Uint8Array(0))).toEqual([]);
    expect(await parseRpmDatabase(await sqliteDatabase([RPM_TABLE]))).toEqual([]);
  });

  it("with a view, a computed column or an endless query in place of its table runs none of it", async () => {
    const endless =
      "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS hnum, x AS blob FROM n";
    expect(await failure(await sqliteDatabase([`CREATE VIEW Packages AS ${endless}`]))).toMatch(/made in another way/);
    const computed = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB AS (zeroblob(1000000000)))";
    expect(await failure(await sqliteDatabase([computed]))).toMatch(/made in another way/);
    expect(await failure(await sqliteDatabase(["CREATE TABLE Names (x)"]))).toMatch(/no table Packages/);
  });

  it("with a damaged package says so and gives none", async () => {
    const database = await sqliteDatabase([RPM_TABLE], [BASH, BASH.subarray(0, 40)]);
    expect(await failure(database)).toBe("1 of its 2 packages are damaged");
  });

  it("that is damaged is refused, also when it is cut off", async () => {
    const database = await sqliteDatabase(
      [RPM_TABLE],
      Array.from({ length: 100 }, () => BASH),
    );
    expect(await failure(database.subarray(0, 5000))).toMatch(/malformed/);
    const twice = Buffer.from(database);
    // The second page, the table's root, points to the same leaf again and again.
    const cells = twice.readUInt16BE(4096 + 3);
    for (let cell = 0; cell < cells; cell++) {
      const at = 4096 + twice.readUInt16BE(4096 + 12 + cell * 2);
      twice.writeUInt32BE(twice.readUInt32BE(4096 + 8), at);
    }
    await expect(parseRpmDatabase(twice).then(({ length }) => length)).resolves.toBeGreaterThan(0);
  });

  it("in no known format is refused in words", async () => {
    expect(await failure(Buffer.from("something else"))).toBe("it is of no known format");
  });
});

/** Made from headers of the real rpm by Berkeley DB 5.3's db_load and by rpm's own writer of ndb. */
const vector = (name: string): Buffer => readFileSync(join(import.meta.dirname, "../../vectors/rpm", name));

describe("an rpm database of before SQLite", () => {
  it("in a hash of Berkeley DB gives its packages, of overflow pages too", async () => {
    expect(shown(await parseRpmDatabase(vector("Packages")))).toEqual([
      "gantry-demo 1:1.2-3 noarch",
      "gantry-other 0.9-1 noarch",
      "gpg-pubkey db42a60e-37ea5438 ",
    ]);
  });

  it("of the format ndb gives its packages, without deleted ones", async () => {
    expect(shown(await parseRpmDatabase(vector("Packages.db")))).toEqual([
      "gantry-demo 1:1.2-3 noarch",
      "gantry-other 0.9-1 noarch",
    ]);
  });

  it("that is cut off is refused", async () => {
    for (const [name, step] of [
      ["Packages", 512],
      ["Packages.db", 160],
    ] as const) {
      const whole = vector(name);
      for (let length = step; length < whole.length; length += step)
        expect(await failure(whole.subarray(0, length))).toMatch(/^it is |damaged$/);
    }
  });

  it("whose overflow pages are rings of small pieces is refused", () => {
    const ring = vector("Packages");
    const overflow = Array.from({ length: ring.length / 1024 }, (_, n) => n).filter((n) => ring[n * 1024 + 25] === 7);
    for (const page of overflow) {
      ring.writeUInt32LE(page, page * 1024 + 16);
      ring.writeUInt16LE(1, page * 1024 + 22);
    }
    const hash = Array.from({ length: ring.length / 1024 }, (_, n) => n * 1024).filter((at) =>
      [2, 13].includes(ring[at + 25]!),
    );
    for (const page of hash)
      for (let entry = 1; entry < ring.readUInt16LE(page + 20); entry += 2) {
        const item = page + ring.readUInt16LE(page + 26 + entry * 2);
        if (ring[item] === 3) ring.writeUInt32LE(0x7fffffff, item + 8);
      }
    expect(() => [...berkeleyHeaders(ring)]).toThrow(RpmDatabaseError);
  });
});

/** Builds and installs, in the database only, two packages with the real rpm; returns the database's directory. */
function realDatabase(): string {
  const spec = (name: string, epoch: string): string =>
    `Name: ${name}\nVersion: 1.2\nRelease: 3\n${epoch}Summary: x\nLicense: x\nBuildArch: noarch\n%description\nx\n%files\n`;
  const quiet = { cwd: directory, stdio: ["ignore", "ignore", "ignore"] as ("ignore" | "pipe")[] };
  for (const [name, epoch] of [
    ["gantry-one", "Epoch: 7\n"],
    ["gantry-two", ""],
  ] as const) {
    writeFileSync(join(directory, `${name}.spec`), spec(name, epoch));
    execFileSync("rpmbuild", ["--define", `_topdir ${directory}`, "-bb", `${name}.spec`], quiet);
  }
  const database = join(directory, "db");
  mkdirSync(database);
  const packages = ["one", "two"].map((name) => `RPMS/noarch/gantry-${name}-1.2-3.noarch.rpm`);
  const install = ["--dbpath", database, "--define", "_db_backend sqlite", "--justdb", "--nodeps", "-i"];
  execFileSync("rpm", [...install, ...packages], quiet);
  return database;
}

describe.skipIf(reason)("the database of the real rpm", () => {
  const database = reason === undefined ? join(realDatabase(), "rpmdb.sqlite") : "";

  it("lists what rpm lists", async () => {
    expect(shown(await parseRpmDatabase(readFileSync(database)))).toEqual([
      "gantry-one 7:1.2-3 noarch",
      "gantry-two 1.2-3 noarch",
    ]);
  });

  it("counts the transactions that are in its log only", async () => {
    const script = [
      "import shutil, sqlite3, sys",
      "path = sys.argv[1]",
      "database = sqlite3.connect(path)",
      'database.execute("PRAGMA journal_mode = WAL")',
      'database.execute("DELETE FROM Packages WHERE hnum = 1")',
      "database.commit()",
      'for name in ("", "-wal"): shutil.copy(path + name, path + ".copy" + name)',
    ].join("\n");
    execFileSync("python3", ["-c", script, database]);
    const [copy, log] = ["", "-wal"].map((name) => readFileSync(`${database}.copy${name}`));
    expect(await parseRpmDatabase(copy!)).toHaveLength(2);
    expect(await parseRpmDatabase(copy!, log)).toHaveLength(1);
    // What a crash left unfinished never happened.
    expect(await parseRpmDatabase(copy!, log!.subarray(0, log!.length - 1))).toHaveLength(2);
    const damaged = Buffer.from(log!);
    damaged[100]! ^= 1;
    expect(await parseRpmDatabase(copy!, damaged)).toHaveLength(2);
  });
});

describe("any damage of an rpm database", () => {
  it("gives packages with names, or an error that says so", { timeout: 60_000 }, async () => {
    const sqlite = Buffer.from(
      await sqliteDatabase(
        [RPM_TABLE],
        Array.from({ length: 60 }, () => BASH),
      ),
    );
    const wholes = [sqlite, vector("Packages"), vector("Packages.db")];
    for (let seed = 0; seed < 600; seed++) {
      const random = new Random(seed);
      const bytes = Buffer.from(random.pick(wholes));
      for (let edits = 1 + random.below(8); edits > 0; edits--) bytes[random.below(bytes.length)] = random.below(256);
      const found = await parseRpmDatabase(bytes).catch((error: unknown) => error);
      if (Array.isArray(found)) for (const { name } of found as InstalledPackage[]) expect(name).not.toBe("");
      else expect(found).toBeInstanceOf(RpmDatabaseError);
    }
  });
});
