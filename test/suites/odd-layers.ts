import { base256, blocks, END, file, header, oldSparseMap, pax, paxRecord, tar } from "../oracles/tar-blocks.ts";

/**
 * A tar that readers could disagree on. `reads`: gantry reads it, and must then see the tree that GNU tar and Docker see;
 * else the code that it is refused with.
 */
export interface OddLayer {
  name: string;
  tar: Buffer;
  reads: true | string;
  /** Whose tree differs for a reason that `why` gives; the others must agree. */
  except?: ("gnu" | "docker")[];
  why?: string;
}

const dir = (name: string, fields = {}): Buffer => header({ name, type: "5", mode: "0000755\0", ...fields });
const symlink = (name: string, link: string): Buffer => header({ name, type: "2", link, mode: "0000777\0" });
const hard = (name: string, link: string, fields = {}): Buffer => header({ name, type: "1", link, ...fields });
const text = (name: string, data: string, fields = {}): Buffer => file({ name, ...fields }, data);
const gnu = { magic: "ustar  \0" };
/** A raw pax payload before a file "a". */
const rawPax = (payload: string, type = "x"): Buffer => tar(file({ name: "x", type }, payload), text("a", "data"));
const withPax = (...records: [string, string][]): Buffer => tar(pax(records), text("a", "data"));
const sparse1 = (map: string, realsize: string, data = ""): Buffer =>
  tar(
    pax([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.minor", "0"],
      ["GNU.sparse.name", "s"],
      ["GNU.sparse.realsize", realsize],
    ]),
    text("GNUSparseFile.0/s", Buffer.concat([blocks(map), Buffer.from(data)]).toString("latin1")),
  );
const R = true as const;

/** Entries of one name, and what stands in another's place. */
const DUPLICATES: OddLayer[] = [
  {
    name: "a file twice: the later",
    tar: tar(text("a", "one"), text("a", "two!")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a directory twice: the later's mode",
    tar: tar(dir("d/"), text("d/f", "x"), dir("d/", { mode: "0000700\0" })),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a directory in a file's place",
    tar: tar(text("a", "x"), dir("a/"), text("a/b", "y")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "an empty directory's place taken by a file",
    tar: tar(dir("a/"), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a full directory's place taken by a file",
    tar: tar(dir("a/"), text("a/b", "y"), text("a", "x")),
    reads: R,
    except: ["gnu", "docker"],
    why: "GNU tar removes no directory that is not empty, Docker refuses a path that is there twice",
  },
  {
    name: "a symlink's place taken by a file",
    tar: tar(text("t", "target"), symlink("a", "t"), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a symlink's place taken by a directory",
    tar: tar(dir("t/"), symlink("a", "t"), dir("a/"), text("a/f", "x")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a directory's place taken by a symlink",
    tar: tar(dir("t/"), dir("a/"), symlink("a", "t")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a file through a file",
    tar: tar(text("a", "x"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a device",
    tar: tar(header({ name: "a", type: "3", devMajor: "0000001\0" }), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a hard link's target replaced afterwards",
    tar: tar(text("a", "one"), hard("b", "a"), text("a", "two")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "a hard link replaced by a file",
    tar: tar(text("a", "one"), hard("b", "a"), text("b", "two")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  {
    name: "names that differ in case, and in Unicode form",
    tar: tar(text("A", "1"), text("a", "2"), text("caf\xc3\xa9", "3"), text("cafe\xcc\x81", "4")),
    reads: R,
  },
];

const NAMES: OddLayer[] = [
  { name: "an absolute name", tar: tar(text("/etc/x", "x")), reads: R },
  { name: "an absolute name with many slashes", tar: tar(text("///etc//x", "x")), reads: R },
  { name: "dots in a path", tar: tar(text("./a/./b", "x"), dir("c/.")), reads: R },
  { name: "a path that leads out", tar: tar(text("../x", "x")), reads: "LAYER_PATH_ESCAPES" },
  { name: "a path with .. that stays within", tar: tar(dir("a/"), text("a/../b", "x")), reads: "LAYER_PATH_ESCAPES" },
  { name: "a path that ends in ..", tar: tar(dir("a/"), dir("a/..")), reads: "LAYER_PATH_ESCAPES" },
  { name: "the root itself", tar: tar(dir("./", { mode: "0000711\0", uid: "0000005\0" }), text("a", "x")), reads: R },
  { name: "the root as /", tar: tar(dir("/", { mode: "0000711\0" }), text("a", "x")), reads: R },
  { name: "the root as a file", tar: tar(text(".", "x")), reads: "LAYER_INVALID" },
  { name: "the root as a symlink", tar: tar(symlink("./", "/tmp"), text("a", "x")), reads: "LAYER_INVALID" },
  { name: "an empty name", tar: tar(text("", "x")), reads: "TAR_INVALID" },
  { name: "a NUL in a name", tar: tar(text("a\0b", "x")), reads: R },
  { name: "a NUL in a link's target", tar: tar(symlink("l", "a\0b")), reads: R },
  { name: "a regular file whose name ends in a slash", tar: tar(text("a/", "x")), reads: "TAR_INVALID" },
  {
    name: "an old file whose name ends in a slash",
    tar: tar(header({ name: "a/", type: "\0", magic: "" }), text("a/f", "x")),
    reads: R,
  },
  { name: "a symlink whose name ends in a slash", tar: tar(symlink("a/", "t")), reads: R },
  { name: "a directory without a slash", tar: tar(dir("d"), text("d/f", "x")), reads: R },
  {
    name: "a component of 256 bytes",
    tar: tar(pax([["path", "n".repeat(256)]]), text("n", "x")),
    reads: "LAYER_INVALID",
  },
  {
    name: "newlines, controls and bytes that are no text",
    tar: tar(text("a\nb", "1"), text("\x01\x7f", "2"), text("\xff\xfe", "3"), text("-rf", "4"), text("a\\b", "5")),
    reads: R,
  },
  { name: "a prefix and a name with a slash between already", tar: tar(text("b", "x", { prefix: "d/" })), reads: R },
  { name: "a hundred components", tar: tar(pax([["path", `${"d/".repeat(100)}f`]]), text("f", "x")), reads: R },
];

const LINKS: OddLayer[] = [
  { name: "a hard link to a later file", tar: tar(hard("b", "a"), text("a", "x")), reads: "LAYER_LINK_TARGET_MISSING" },
  { name: "a hard link to nothing", tar: tar(hard("b", "nothing")), reads: "LAYER_LINK_TARGET_MISSING" },
  { name: "a hard link out", tar: tar(hard("b", "../../../etc/passwd")), reads: "LAYER_PATH_ESCAPES" },
  { name: "a hard link to an absolute name", tar: tar(text("a", "x"), hard("b", "/a")), reads: R },
  {
    name: "a hard link to itself",
    tar: tar(text("a", "x"), hard("a", "a")),
    reads: R,
    except: ["docker"],
    why: "Docker removes the file before it links to it",
  },
  { name: "a hard link to a symlink", tar: tar(text("t", "x"), symlink("a", "t"), hard("b", "a")), reads: R },
  { name: "a hard link to a directory", tar: tar(dir("a/"), hard("b", "a")), reads: "LAYER_LINK_TO_DIRECTORY" },
  {
    name: "a hard link through dots",
    tar: tar(dir("d/"), text("a", "x"), hard("b", "./d/.././a")),
    reads: "LAYER_PATH_ESCAPES",
  },
  { name: "a hard link with a size", tar: tar(text("a", "data"), hard("b", "a", { size: 4 })), reads: R },
  {
    name: "a hard link with data",
    tar: tar(text("a", "data"), hard("b", "a", { size: 4 }), blocks("data")),
    reads: "TAR_INVALID",
  },
  {
    name: "a hard link with another mode",
    tar: tar(text("a", "data"), hard("b", "a", { mode: "0000600\0", uid: "0000007\0" })),
    reads: R,
    except: ["docker"],
    why: "Docker gives the file the attributes of its last link",
  },
  { name: "a chain of hard links", tar: tar(text("a", "x"), hard("b", "a"), hard("c", "b")), reads: R },
  {
    name: "a hard link to a device",
    tar: tar(header({ name: "n", type: "3", devMajor: "0000001\0", devMinor: "0000003\0" }), hard("b", "n")),
    reads: R,
  },
  {
    name: "a symlink with data",
    tar: tar(header({ name: "l", type: "2", link: "t", size: 4 }), blocks("data")),
    reads: "TAR_INVALID",
  },
  {
    name: "a symlink with a size and no data",
    tar: tar(header({ name: "l", type: "2", link: "t", size: 1 }), text("a", "x")),
    reads: R,
  },
  { name: "a directory with a size and no data", tar: tar(dir("d/", { size: 4096 }), text("a", "x")), reads: R },
  {
    name: "symlinks to anywhere",
    tar: tar(symlink("a", "/etc/passwd"), symlink("b", "../../.."), symlink("c", "c"), symlink("d", " ")),
    reads: R,
  },
];

const LATE = "GNU tar makes symlinks that lead up, or from the root, when all else is extracted";
const chainOfLinks = (count: number): Buffer[] =>
  Array.from({ length: count }, (_, n) => symlink(`l${n}`, n === 0 ? "t" : `l${n - 1}`));

/** Entries whose path, or hard link target, leads through a symlink of the same layer: followed as in a root of its own. */
const THROUGH_SYMLINKS: OddLayer[] = [
  {
    name: "a merged /usr, and files in the old places",
    tar: tar(dir("usr/"), dir("usr/lib/"), symlink("lib", "usr/lib"), dir("lib/x/"), text("lib/x/f", "x")),
    reads: R,
  },
  {
    name: "directories without entries through a symlink",
    tar: tar(text("t/g", "x"), symlink("./a", "t/"), text("./a/b/c/f", "x")),
    reads: R,
  },
  {
    name: "a file through an absolute symlink",
    tar: tar(dir("t/"), symlink("a", "/t"), text("a/f", "x")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a file through a symlink that leads up",
    tar: tar(dir("t/"), dir("d/"), symlink("d/a", "../t"), text("d/a/f", "x")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a file through a symlink that leads out: no further than the root",
    tar: tar(dir("tmp/"), symlink("a", "../../../tmp"), text("a/f", "x")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a file through symlinks to the root",
    tar: tar(dir("d/"), symlink("d/a", "/"), symlink("b", ".."), text("d/a/f", "x"), text("b/g", "x")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a file through a symlink to where it is itself",
    tar: tar(dir("t/"), symlink("t/s", "."), text("t/s/s/s/f", "x")),
    reads: R,
  },
  {
    name: "a file through a symlink that leads out of the layer",
    tar: tar(symlink("a", "../../../tmp"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a directory that became a symlink to nothing",
    tar: tar(dir("d/"), text("d/f", "x"), symlink("d", "/tmp"), text("d/g", "y")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a symlink to nothing",
    tar: tar(symlink("a", "t"), text("a/f", "x"), dir("t/")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a directory without an entry through a symlink to nothing",
    tar: tar(symlink("a", "t"), text("a/b/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a symlink to a file",
    tar: tar(text("t", "x"), symlink("a", "t"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a symlink by way of a file",
    tar: tar(dir("t/"), text("x", "x"), symlink("a", "x/../t"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a symlink to itself",
    tar: tar(symlink("a", "a"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through symlinks to each other",
    tar: tar(symlink("a", "b"), symlink("b", "a"), text("a/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  { name: "a file through 40 symlinks", tar: tar(dir("t/"), ...chainOfLinks(40), text("l39/f", "x")), reads: R },
  {
    name: "a file through 41 symlinks",
    tar: tar(dir("t/"), ...chainOfLinks(41), text("l40/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file that replaces the symlink its path leads through",
    tar: tar(dir("t/"), symlink("t/self", "."), text("t/self/self", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file that replaces the directory its path leads through",
    tar: tar(dir("t/"), symlink("t/up", "/"), text("t/up/t", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file of two names, one through a symlink: the later",
    tar: tar(dir("t/"), symlink("a", "t"), text("t/f", "one"), text("a/f", "two!")),
    reads: R,
  },
  {
    name: "a directory of two names, one through a symlink: the later's mode",
    tar: tar(dir("t/"), dir("t/d/"), text("t/d/x", "x"), symlink("a", "t"), dir("a/d/", { mode: "0000700\0" })),
    reads: R,
  },
  {
    name: "a symlink that is replaced by way of another one",
    tar: tar(
      ...[dir("t/"), dir("u/"), symlink("t/l", "/u"), symlink("a", "t"), text("t/l/f", "x")],
      ...[symlink("a/l", "."), text("t/l/g", "y")],
    ),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a symlink that is replaced by a directory by way of another one",
    tar: tar(dir("t/"), dir("u/"), symlink("t/e", "/u"), symlink("a", "t"), dir("a/e/"), text("t/e/f", "x")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a hard link through a symlink",
    tar: tar(dir("t/"), text("t/f", "x"), symlink("a", "t"), hard("b", "a/f"), hard("a/c", "/a/./f")),
    reads: R,
  },
  {
    name: "a hard link through an absolute symlink",
    tar: tar(dir("t/"), text("t/f", "x"), symlink("a", "/t"), hard("b", "a/f")),
    reads: R,
    except: ["gnu"],
    why: LATE,
  },
  {
    name: "a hard link through a symlink to a symlink",
    tar: tar(dir("t/"), text("t/f", "x"), symlink("t/s", "f"), symlink("a", "t"), hard("b", "a/s")),
    reads: R,
  },
  {
    name: "a file through a hard link to a symlink",
    tar: tar(dir("t/"), symlink("a", "t"), hard("b", "a"), text("b/f", "x")),
    reads: R,
  },
  {
    name: "a hard link through a symlink to nothing",
    tar: tar(dir("t/"), symlink("a", "t"), hard("b", "a/f")),
    reads: "LAYER_LINK_TARGET_MISSING",
  },
  {
    name: "a hard link by way of a symlink to nothing",
    tar: tar(symlink("a", "t"), hard("b", "a/f")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a hard link through a symlink to a directory",
    tar: tar(dir("t/"), dir("t/d"), symlink("a", "t"), hard("b", "a/d")),
    reads: "LAYER_LINK_TO_DIRECTORY",
  },
  {
    name: "a hard link through the symlink that it replaces",
    tar: tar(dir("t/"), text("t/f", "x"), symlink("a", "t"), hard("a", "a/f")),
    reads: "LAYER_LINK_TARGET_MISSING",
  },
];

const SPECIALS: OddLayer[] = [
  {
    name: "a device 0:0",
    tar: tar(header({ name: "w", type: "3" }), text("a", "x")),
    reads: R,
    except: ["gnu", "docker"],
    why: "overlayfs takes it for a whiteout: no container ever sees it",
  },
  {
    name: "device numbers beyond 12 and 20 bits",
    tar: tar(header({ name: "n", type: "3", devMajor: "0077777\0", devMinor: "7777777\0" })),
    reads: "TAR_INVALID",
  },
  {
    name: "a contiguous file",
    tar: tar(text("a", "x", { type: "7" })),
    reads: R,
    except: ["docker"],
    why: "Docker knows no such type",
  },
  { name: "an unknown type", tar: tar(text("a", "x", { type: "Z" })), reads: "TAR_UNSUPPORTED" },
  { name: "a GNU directory dump", tar: tar(text("d/", "Yfile\0\0", { type: "D", ...gnu })), reads: "TAR_UNSUPPORTED" },
  { name: "a continued file", tar: tar(text("a", "x", { type: "M", ...gnu })), reads: "TAR_UNSUPPORTED" },
  { name: "a list of names", tar: tar(text("a", "Rename x to y\n", { type: "N", ...gnu })), reads: "TAR_UNSUPPORTED" },
  {
    name: "a volume label",
    tar: tar(header({ name: "label", type: "V", ...gnu }), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "Docker knows no such type",
  },
  {
    name: "an extended header of Solaris",
    tar: tar(pax([["path", "b"]], "X"), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "Docker knows no such type",
  },
  { name: "all mode bits and the file's kind among them", tar: tar(text("a", "x", { mode: "0107777\0" })), reads: R },
  { name: "a fifo with a size", tar: tar(header({ name: "p", type: "6", size: 512 }), text("a", "x")), reads: R },
];

const NUMBERS: OddLayer[] = [
  { name: "a wrong checksum", tar: tar(text("a", "x", { checksum: "000000\0 " })), reads: "TAR_INVALID" },
  { name: "a checksum of signed bytes", tar: tar(text("caf\xc3\xa9", "x", { signed: true })), reads: R },
  { name: "a size that is no number", tar: tar(text("a", "x", { size: "0000000000z\0" })), reads: "TAR_INVALID" },
  {
    name: "a size with garbage after the digits",
    tar: tar(text("a", "x", { size: "1 garbage\0" })),
    reads: "TAR_INVALID",
  },
  { name: "a negative size", tar: tar(text("a", "x", { size: base256(-1n, 12) })), reads: "TAR_INVALID" },
  {
    name: "a size beyond 2^63",
    tar: tar(text("a", "x", { size: base256((1n << 64n) + 1n, 12) })),
    reads: "TAR_INVALID",
  },
  { name: "a size beyond what follows", tar: tar(text("a", "x", { size: 1 << 30 })), reads: "TAR_INVALID" },
  { name: "a base-256 size", tar: tar(text("a", "x", { size: base256(1n, 12) })), reads: R },
  { name: "an id beyond 2^21", tar: tar(text("a", "x", { uid: base256(3_000_000_000n, 8), ...gnu })), reads: R },
  { name: "a negative id", tar: tar(text("a", "x", { uid: base256(-2n, 8), ...gnu })), reads: "TAR_INVALID" },
  { name: "an id beyond 2^32", tar: tar(text("a", "x", { uid: base256(1n << 33n, 8), ...gnu })), reads: "TAR_INVALID" },
  {
    name: "a time before 1970 in base-256",
    tar: tar(text("a", "x", { mtime: base256(-86400n, 12), ...gnu })),
    reads: R,
    except: ["docker"],
    why: "Docker knows no time before 1970",
  },
  { name: "a mode of eight digits without an end", tar: tar(text("a", "x", { mode: "00000644" })), reads: R },
  { name: "numbers that are empty", tar: tar(text("a", "", { mode: "", uid: "", gid: "", mtime: "" })), reads: R },
  { name: "a time that is no number", tar: tar(text("a", "x", { mtime: "yesterday\0" })), reads: "TAR_INVALID" },
];

const PAX: OddLayer[] = [
  { name: "a pax size that differs from the header's", tar: withPax(["size", "2"]), reads: "TAR_INVALID" },
  {
    name: "a pax size where the header has 0",
    tar: tar(pax([["size", "4"]]), header({ name: "a", size: 0 }), blocks("data")),
    reads: R,
  },
  { name: "a pax size of a directory", tar: tar(pax([["size", "4"]]), dir("d/"), text("a", "x")), reads: R },
  { name: "a negative pax size", tar: withPax(["size", "-4"]), reads: "TAR_INVALID" },
  { name: "a pax size beyond 2^63", tar: withPax(["size", "9223372036854775809"]), reads: "TAR_INVALID" },
  {
    name: "a GNU long name and the same pax path",
    tar: tar(text("L", "n\0", { type: "L", ...gnu }), pax([["path", "n"]]), text("a", "x")),
    reads: R,
  },
  {
    name: "a GNU long name and another pax path",
    tar: tar(text("L", "n\0", { type: "L", ...gnu }), pax([["path", "m"]]), text("a", "x")),
    reads: "TAR_INVALID",
  },
  {
    name: "two GNU long names",
    tar: tar(text("L", "m\0", { type: "L", ...gnu }), text("L", "n\0", { type: "L", ...gnu }), text("a", "x")),
    reads: R,
  },
  {
    name: "a GNU long name without its NUL",
    tar: tar(text("L", "nnn", { type: "L", ...gnu }), text("a", "x", gnu)),
    reads: R,
  },
  {
    name: "a GNU long name with a NUL in it",
    tar: tar(text("L", "n\0m\0", { type: "L", ...gnu }), text("a", "x", gnu)),
    reads: R,
  },
  { name: "a pax path twice: the later", tar: withPax(["path", "m"], ["path", "n"]), reads: R },
  { name: "a pax path with a NUL", tar: withPax(["path", "m\0n"]), reads: "TAR_INVALID" },
  {
    name: "an empty pax path: the header's",
    tar: withPax(["path", ""]),
    reads: R,
    except: ["gnu"],
    why: "POSIX lets an empty value unset the record; GNU tar takes it for the name",
  },
  {
    name: "a pax path that is set and unset",
    tar: withPax(["path", "m"], ["path", ""]),
    reads: R,
    except: ["gnu"],
    why: "POSIX lets an empty value unset the record; GNU tar takes it for the name",
  },
  {
    name: "two pax headers",
    tar: tar(pax([["path", "m"]]), pax([["mtime", "5"]]), text("a", "x")),
    reads: "TAR_INVALID",
  },
  { name: "a pax header at the end", tar: tar(text("a", "x"), pax([["path", "m"]])), reads: R },
  { name: "a global path", tar: tar(pax([["path", "m"]], "g"), text("a", "x")), reads: "TAR_INVALID" },
  {
    name: "a global owner",
    tar: tar(pax([["uid", "7"]], "g"), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "Go's archive/tar reads no global records",
  },
  { name: "a global comment", tar: tar(pax([["comment", "m"]], "g"), text("a", "x")), reads: R },
  {
    name: "a global header between an extended one and its file",
    tar: tar(pax([["path", "m"]]), pax([["comment", "c"]], "g"), text("a", "x")),
    reads: "TAR_INVALID",
  },
  { name: "a pax record that is too short", tar: rawPax("5 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record that is too long", tar: rawPax("99 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record of length 0", tar: rawPax("0 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record with a huge length", tar: rawPax("99999999999999999999 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record with a sign", tar: rawPax("+9 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record with blanks before it", tar: rawPax(" 9 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record with leading zeros", tar: rawPax("010 path=m\n"), reads: "TAR_INVALID" },
  { name: "a pax record without a value", tar: rawPax("7 path\n"), reads: "TAR_INVALID" },
  { name: "a pax record without a key", tar: rawPax("5 =m\n"), reads: "TAR_INVALID" },
  { name: "NULs after the pax records", tar: rawPax(`${paxRecord("path", "m")}\0\0\0`), reads: "TAR_INVALID" },
  { name: "an empty pax header", tar: rawPax(""), reads: R },
  { name: "a pax time with an exponent", tar: withPax(["mtime", "1e3"]), reads: "TAR_INVALID" },
  {
    name: "a pax time before 1970",
    tar: withPax(["mtime", "-1.5"]),
    reads: R,
    except: ["docker"],
    why: "Docker knows no time before 1970",
  },
  { name: "a pax time without whole seconds", tar: withPax(["mtime", ".5"]), reads: "TAR_INVALID" },
  { name: "a pax owner that is negative", tar: withPax(["uid", "-1"]), reads: "TAR_INVALID" },
  { name: "an unknown pax record", tar: withPax(["VENDOR.thing", "1"], ["comment", "\0\xff"]), reads: R },
  { name: "a character set", tar: withPax(["hdrcharset", "BINARY"], ["path", "\xff\xfe"]), reads: R },
  { name: "a pax link for a file", tar: withPax(["linkpath", "somewhere"]), reads: R },
];

const SPARSE: OddLayer[] = [
  {
    name: "an old GNU sparse file",
    tar: tar(
      header({
        name: "s",
        type: "S",
        ...gnu,
        size: 3,
        at: {
          386: oldSparseMap([
            [4096, 3],
            [8192, 0],
          ]),
          483: "00000020000\0",
        },
      }),
      blocks("abc"),
    ),
    reads: R,
    except: ["docker"],
    why: "Docker knows no such type",
  },
  {
    name: "an old GNU sparse file that is larger than said",
    tar: tar(
      header({ name: "s", type: "S", ...gnu, size: 3, at: { 386: oldSparseMap([[8192, 3]]), 483: "00000020000\0" } }),
      blocks("abc"),
    ),
    reads: "TAR_INVALID",
  },
  { name: "a sparse file of version 1.0", tar: sparse1("2\n0\n3\n8192\n0\n", "8192", "abc"), reads: R },
  {
    name: "a sparse map with no end entry",
    tar: sparse1("1\n0\n3\n", "8192", "abc"),
    reads: R,
    except: ["gnu"],
    why: "GNU tar goes by the map's end, not by the size",
  },
  { name: "a sparse map that goes back", tar: sparse1("2\n4096\n3\n0\n3\n", "8192", "abcdef"), reads: "TAR_INVALID" },
  { name: "a sparse map that overlaps", tar: sparse1("2\n0\n3\n2\n3\n", "8192", "abcdef"), reads: "TAR_INVALID" },
  { name: "a sparse map beyond the size", tar: sparse1("1\n8190\n3\n", "8192", "abc"), reads: "TAR_INVALID" },
  { name: "a sparse map that says more than there is", tar: sparse1("1\n0\n9\n", "8192", "abc"), reads: "TAR_INVALID" },
  { name: "a sparse map that says less than there is", tar: sparse1("1\n0\n1\n", "8192", "abc"), reads: "TAR_INVALID" },
  { name: "a sparse map that is no numbers", tar: sparse1("x\n", "8192", "abc"), reads: "TAR_INVALID" },
  { name: "a sparse map of huge counts", tar: sparse1("4611686018427387904\n", "8192", "abc"), reads: "TAR_INVALID" },
  { name: "a negative sparse map", tar: sparse1("1\n-1\n3\n", "8192", "abc"), reads: "TAR_INVALID" },
  {
    name: "a sparse file without a size",
    tar: tar(
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
      ]),
      text("s", blocks("0\n").toString("latin1")),
    ),
    reads: "TAR_INVALID",
  },
  { name: "a sparse name for a file that is not sparse", tar: withPax(["GNU.sparse.name", "b"]), reads: "TAR_INVALID" },
  {
    name: "a sparse directory",
    tar: tar(
      pax([
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.realsize", "9"],
      ]),
      dir("d/"),
    ),
    reads: "TAR_INVALID",
  },
];

const ENDS: OddLayer[] = [
  {
    name: "garbage after the end",
    tar: Buffer.concat([tar(text("a", "x")), Buffer.alloc(1024, "garbage!")]),
    reads: R,
  },
  { name: "an entry after the end", tar: Buffer.concat([tar(text("a", "x")), tar(text("b", "y"))]), reads: R },
  { name: "one zero block at the end", tar: Buffer.concat([text("a", "x"), Buffer.alloc(512)]), reads: R },
  { name: "no zero block at the end", tar: text("a", "x"), reads: R },
  {
    name: "a zero block between entries",
    tar: tar(text("a", "x"), Buffer.alloc(512), text("b", "y")),
    reads: "TAR_INVALID",
  },
  {
    name: "an end that is no whole block",
    tar: Buffer.concat([text("a", "x"), Buffer.alloc(700)]),
    reads: "TAR_INVALID",
  },
  {
    name: "half a header at the end",
    tar: Buffer.concat([text("a", "x"), header({ name: "b" }).subarray(0, 300)]),
    reads: "TAR_INVALID",
  },
  { name: "nothing at all but the end", tar: END, reads: R },
];

const WHITEOUTS: OddLayer[] = [
  { name: "a whiteout before an entry of its name", tar: tar(text(".wh.a", ""), text("a", "x")), reads: R },
  {
    name: "a whiteout after an entry of its name",
    tar: tar(text("a", "x"), text(".wh.a", "")),
    reads: R,
    except: ["docker"],
    why: "Docker cannot make the whiteout; OCI has it act on lower layers only",
  },
  {
    name: "an opaque marker twice, after entries",
    tar: tar(dir("d/"), text("d/a", "x"), text("d/.wh..wh..opq", ""), text("d/.wh..wh..opq", ""), text("d/b", "y")),
    reads: R,
    except: ["docker"],
    why: "Docker refuses a path that is there twice",
  },
  { name: "an opaque marker without its directory", tar: tar(text("d/.wh..wh..opq", ""), text("d/b", "y")), reads: R },
  {
    name: "an opaque root",
    tar: tar(text(".wh..wh..opq", ""), text("b", "y")),
    reads: R,
    except: ["docker"],
    why: "overlayfs overlooks the marker in a layer's root; OCI hides everything below",
  },
  { name: "a whiteout of nothing", tar: tar(text(".wh.", "")), reads: "LAYER_INVALID" },
  { name: "a whiteout of .", tar: tar(dir("d/"), text("d/.wh..", "")), reads: "LAYER_PATH_ESCAPES" },
  { name: "a whiteout of ..", tar: tar(dir("d/"), text("d/.wh...", "")), reads: "LAYER_PATH_ESCAPES" },
  { name: "a whiteout of a whiteout", tar: tar(text(".wh..wh.x", "")), reads: R },
  {
    name: "AUFS's own files",
    tar: tar(dir(".wh..wh.plnk/"), text(".wh..wh.plnk/1.2", ""), text(".wh..wh.aufs", ""), text("a", "x")),
    reads: R,
    except: ["docker"],
    why: "AUFS's directories are no part of an image; Docker leaves half of them",
  },
  { name: "a whiteout that is a directory", tar: tar(dir(".wh.a/"), text("b", "x")), reads: R },
  { name: "a file under a whiteout", tar: tar(text(".wh.a/b", "x")), reads: "LAYER_INVALID" },
  { name: "a whiteout that is a symlink", tar: tar(symlink(".wh.a", "b")), reads: R },
  { name: "a whiteout with data", tar: tar(text(".wh.a", "data"), text("b", "x")), reads: R },
  {
    name: "a hard link to a whiteout",
    tar: tar(text(".wh.a", ""), hard("b", ".wh.a")),
    reads: "LAYER_LINK_TARGET_MISSING",
  },
  { name: "a whiteout that is a hard link", tar: tar(text("b", "x"), hard(".wh.a", "b")), reads: R },
  {
    name: "a whiteout through a symlink",
    tar: tar(symlink("l", "d"), dir("d/"), text("l/.wh.a", ""), text("l/b", "x")),
    reads: R,
  },
  {
    name: "an opaque marker through a symlink",
    tar: tar(symlink("l", "d"), dir("d/"), text("l/.wh..wh..opq", ""), text("l/b", "x")),
    reads: R,
  },
  {
    name: "a file through a symlink that only a lower layer has: a directory takes its place",
    tar: tar(text("l/f", "x")),
    reads: R,
  },
  {
    name: "a file through a symlink to what only a lower layer has",
    tar: tar(symlink("l", "d"), text("l/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a file through a symlink to a whiteout",
    tar: tar(text(".wh.d", ""), symlink("l", "d"), text("l/f", "x")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
  {
    name: "a whiteout in a file",
    tar: tar(text("a", "x"), text("a/.wh.b", "")),
    reads: "LAYER_PATH_THROUGH_NON_DIRECTORY",
  },
];

/** What the layers of `whiteouts` lie on. */
export const LOWER_LAYER = tar(
  text("a", "lower"),
  text("b", "lower too"),
  dir("d/"),
  text("d/a", "old"),
  text("d/c", "old"),
  text("x", "old"),
  symlink("l", "d"),
);

/** Every odd layer, by what is odd about it. */
export const ODD_LAYERS = {
  duplicates: DUPLICATES,
  names: NAMES,
  links: LINKS,
  "through symlinks": THROUGH_SYMLINKS,
  specials: SPECIALS,
  numbers: NUMBERS,
  pax: PAX,
  sparse: SPARSE,
  ends: ENDS,
  whiteouts: WHITEOUTS,
};
