import { TreeReader } from "../archive/tree-reader.ts";
import { parseApkInstalled } from "../image/packages/apk.ts";
import { parseDpkgStatus } from "../image/packages/dpkg.ts";
import type { InstalledPackage } from "../image/packages/package.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { resolvePath } from "../layer/resolve-path.ts";
import type { FileTree } from "./file-tree.ts";

/** Larger databases than this are not an image's, but somebody's attempt to use up memory. */
const MAX_DATABASE_BYTES = 256 * 1024 * 1024;

const DPKG_STATUS = "var/lib/dpkg/status";
const DPKG_STATUS_DIRECTORY = "var/lib/dpkg/status.d";
/** Since apk-tools 3 under usr, with a link from the old place in most images. */
const APK_INSTALLED = ["lib/apk/db/installed", "usr/lib/apk/db/installed"];
const RPM_DATABASES = ["rpmdb.sqlite", "Packages.db", "Packages"];
const RPM_DIRECTORIES = ["var/lib/rpm", "usr/lib/sysimage/rpm", "usr/share/rpm"];

export interface InstalledPackages {
  packages: InstalledPackage[];
  /** Databases that are there and cannot be read, and why: one sentence each. */
  notes: string[];
}

/** The files of the tree that package managers keep their lists of installed packages in. */
export function packageDatabases(index: LayerIndex): number[] {
  const databases = databasesOf(index);
  return [...databases.dpkg, ...databases.apk, ...databases.rpm];
}

/**
 * The packages that the tree's package managers have installed, read out of their databases in place.
 * @throws UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED
 */
export function installedPackages(tree: Pick<FileTree, "index" | "sources">): InstalledPackages {
  const { index } = tree;
  const reader = new TreeReader(index, tree.sources);
  const notes: string[] = [];
  const read = (node: number): Uint8Array => {
    const bytes = reader.readWhole(index.inodeOf(node)!, MAX_DATABASE_BYTES);
    if (bytes !== undefined) return bytes;
    notes.push(`/${index.pathOf(node).toString()} is too large to be a package database`);
    return new Uint8Array(0);
  };
  try {
    const databases = databasesOf(index);
    const packages: InstalledPackage[] = [];
    for (const node of databases.dpkg) packages.push(...parseDpkgStatus(read(node)));
    for (const node of databases.apk) packages.push(...parseApkInstalled(read(node)));
    if (databases.rpm.length > 0)
      notes.push("rpm packages are not compared: there is an rpm database, which gantry cannot read");
    return { packages, notes };
  } finally {
    reader.close();
  }
}

function databasesOf(index: LayerIndex): Record<"dpkg" | "apk" | "rpm", number[]> {
  const first = (paths: readonly string[]): number[] => {
    const found = paths.map((path) => regularFile(index, path)).find((node) => node !== undefined);
    return found === undefined ? [] : [found];
  };
  return {
    dpkg: [...first([DPKG_STATUS]), ...filesIn(index, DPKG_STATUS_DIRECTORY)],
    apk: first(APK_INSTALLED),
    rpm: first(RPM_DIRECTORIES.flatMap((directory) => RPM_DATABASES.map((name) => `${directory}/${name}`))),
  };
}

function regularFile(index: LayerIndex, path: string): number | undefined {
  const node = resolvePath(index, path);
  const inode = node === undefined ? undefined : index.inodeOf(node);
  return inode !== undefined && index.isRegular(inode) ? node : undefined;
}

/** Of distroless images: a file a package, and beside it a list of its files' checksums. */
function filesIn(index: LayerIndex, path: string): number[] {
  const directory = resolvePath(index, path);
  if (directory === undefined) return [];
  const first = index.firstChildOf(directory);
  return Array.from({ length: index.childCountOf(directory) }, (_, n) => first + n).filter((node) => {
    const inode = index.inodeOf(node);
    const name = Buffer.from(index.nameOf(node)).toString();
    return inode !== undefined && index.isRegular(inode) && !name.endsWith(".md5sums");
  });
}
