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
/** The newest format first: after a conversion the old database may be left. */
const RPM_DATABASES = ["rpmdb.sqlite", "Packages.db", "Packages"];
const RPM_DIRECTORIES = ["usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"];
const RPM_DATABASE_PATHS = RPM_DATABASES.flatMap((name) => RPM_DIRECTORIES.map((directory) => `${directory}/${name}`));

export type PackageManager = InstalledPackage["manager"];

export interface InstalledPackages {
  packages: InstalledPackage[];
  /** Of databases that are there and cannot be read: why, a sentence. `packages` has none of that manager's then. */
  notes: Map<PackageManager, string>;
}

/** The regular files of a tree, by node, that package managers keep their lists of installed packages in. */
export function packageDatabases(index: LayerIndex): Record<PackageManager, number[]> {
  const first = (paths: readonly string[]): string | undefined =>
    paths.find((path) => regularFile(index, path) !== undefined);
  const nodes = (paths: readonly (string | undefined)[]): number[] =>
    paths.flatMap((path) => (path === undefined ? [] : (regularFile(index, path) ?? [])));
  const rpm = first(RPM_DATABASE_PATHS);
  return {
    dpkg: [...nodes([DPKG_STATUS]), ...filesIn(index, DPKG_STATUS_DIRECTORY)],
    apk: nodes([first(APK_INSTALLED)]),
    rpm: rpm === undefined ? [] : nodes([rpm, `${rpm}-wal`]),
  };
}

/**
 * The packages that these of the tree's package managers have installed, read out of their databases in place.
 * @throws UNEXPECTED_END_OF_FILE, SYSTEM_CALL_FAILED
 */
export async function installedPackages(
  tree: Pick<FileTree, "index" | "sources">,
  managers: readonly PackageManager[],
): Promise<InstalledPackages> {
  const { index } = tree;
  const databases = packageDatabases(index);
  const reader = new TreeReader(index, tree.sources);
  const found: InstalledPackages = { packages: [], notes: new Map() };
  try {
    for (const manager of managers) {
      const nodes = databases[manager];
      const files = nodes.map((node) => reader.readWhole(index.inodeOf(node)!, MAX_DATABASE_BYTES));
      const [database] = files;
      const tooLarge = files.indexOf(undefined);
      const cannotRead = (why: string): void => {
        const path = `/${index.pathOf(nodes[Math.max(0, tooLarge)]!).toString()}`;
        found.notes.set(manager, `${manager} packages are not compared: ${path} cannot be read: ${why}`);
      };
      if (tooLarge >= 0) cannotRead("it is too large to be a package database");
      else if (manager === "dpkg") found.packages.push(...files.flatMap((file) => parseDpkgStatus(file!)));
      else if (manager === "apk") found.packages.push(...files.flatMap((file) => parseApkInstalled(file!)));
      else if (database !== undefined) {
        const { parseRpmDatabase, RpmDatabaseError } = await import("../image/packages/rpm.ts");
        try {
          found.packages.push(...(await parseRpmDatabase(database, files[1])));
        } catch (error) {
          if (!(error instanceof RpmDatabaseError)) throw error;
          cannotRead(error.message);
        }
      }
    }
    return found;
  } finally {
    reader.close();
  }
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
