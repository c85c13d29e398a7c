import type { Reporter } from "../events/progress.ts";
import { type ConfigChange, diffConfigs } from "../image/config-diff.ts";
import type { PackageChange } from "../image/packages/diff-packages.ts";
import type { InstalledPackage } from "../image/packages/package.ts";
import { displayBytes } from "../kernels/display-bytes.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import type { Store } from "../store/store.ts";
import { diffFiles, type DiffTreesOptions, type FileAspect, type FileChange } from "./diff-trees.ts";
import type { FileTree, OpenTreeOptions } from "./file-tree.ts";
import { openFileTree } from "./open-file-tree.ts";

export interface DiffImagesOptions extends DiffTreesOptions, OpenTreeOptions {
  /** What to compare; default all. */
  sections?: ReadonlySet<DiffSection>;
}

export type DiffSection = "files" | "config" | "packages";

export type FileType = "file" | "directory" | "symlink" | "char device" | "block device" | "fifo";

/** A file on one side of a change. */
export interface FileFacts {
  type: FileType;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Of regular files; bytes. */
  size?: number;
  /** Seconds since 1970, with a fraction. */
  mtime: number;
  /** Of symbolic links. */
  target?: string;
  /** Of devices: major, minor. */
  device?: [number, number];
}

export interface ComparedFile {
  readonly kind: "A" | "C" | "D";
  readonly path: string;
  readonly aspects: readonly FileAspect[];
  /** Undefined: it was added. */
  readonly from: FileFacts | undefined;
  /** Undefined: it was deleted. */
  readonly to: FileFacts | undefined;
}

export interface ComparedSide {
  kind: FileTree["kind"];
  name: string;
  id: string;
}

export interface ImageDiff {
  from: ComparedSide;
  to: ComparedSide;
  /** A section that was not asked for is undefined. */
  files?: ComparedFile[];
  /** Bytes of regular files that there are more, or less, for these differences; of hard links each name. */
  sizeDelta?: number;
  config?: ConfigChange[];
  packages?: PackageChange[];
  /** Package databases that are there and could not be compared, and why. */
  packageNotes?: string[];
}

/**
 * Compares two images, archives or containers (open-file-tree.ts says how they are named) from their indexes: files, configuration
 * and installed packages. Nothing is unpacked.
 * @throws what opening and comparing the trees throws
 */
export async function diffImages(
  store: Store,
  given: readonly [from: string, to: string],
  options: DiffImagesOptions,
  reporter: Reporter,
): Promise<ImageDiff> {
  const wants = (section: DiffSection): boolean => options.sections?.has(section) ?? true;
  const a = await openFileTree(store, given[0], reporter, options);
  try {
    const b = await openFileTree(store, given[1], reporter, options);
    try {
      return {
        from: sideOf(a),
        to: sideOf(b),
        ...(wants("files") ? await compareFiles(a, b, options, reporter) : {}),
        ...(wants("config") ? { config: diffConfigs(a.config, b.config) } : {}),
        ...(wants("packages") ? await comparePackages(a, b) : {}),
      };
    } finally {
      await b.dispose();
    }
  } finally {
    await a.dispose();
  }
}

function sideOf({ kind, label, id }: FileTree): ComparedSide {
  return { kind, name: label, id };
}

async function compareFiles(
  a: FileTree,
  b: FileTree,
  options: DiffTreesOptions,
  reporter: Reporter,
): Promise<Pick<ImageDiff, "files" | "sizeDelta">> {
  const changes = await diffFiles(a, b, options, reporter);
  let sizeDelta = 0;
  const files = changes.map((change): ComparedFile => {
    sizeDelta += dataBytes(b.index, change.b) - dataBytes(a.index, change.a);
    return new ComparedNode(a.index, b.index, change);
  });
  return { files, sizeDelta };
}

function dataBytes(index: LayerIndex, node: number | undefined): number {
  const inode = node === undefined ? undefined : index.inodeOf(node);
  return inode !== undefined && index.isRegular(inode) ? index.sizeOf(inode) : 0;
}

/** Facts are looked up when asked for: a summary of thousands of files asks for none. */
class ComparedNode implements ComparedFile {
  readonly #a: LayerIndex;
  readonly #b: LayerIndex;
  readonly #change: FileChange;

  constructor(a: LayerIndex, b: LayerIndex, change: FileChange) {
    this.#a = a;
    this.#b = b;
    this.#change = change;
  }

  get kind(): ComparedFile["kind"] {
    return this.#change.kind;
  }

  get path(): string {
    return this.#change.path;
  }

  get aspects(): readonly FileAspect[] {
    return this.#change.aspects;
  }

  get from(): FileFacts | undefined {
    return this.#change.a === undefined ? undefined : fileFacts(this.#a, this.#change.a);
  }

  get to(): FileFacts | undefined {
    return this.#change.b === undefined ? undefined : fileFacts(this.#b, this.#change.b);
  }

  toJSON(): ComparedFile {
    const { kind, path, aspects, from, to } = this;
    return { kind, path, aspects, from, to };
  }
}

async function comparePackages(a: FileTree, b: FileTree): Promise<Pick<ImageDiff, "packages" | "packageNotes">> {
  const { installedPackages, packageDatabases } = await import("./installed-packages.ts");
  // The same files need not be read to say that they list the same packages.
  const [inA, inB] = [packageDatabases(a.index), packageDatabases(b.index)];
  const managers = (["dpkg", "apk", "rpm"] as const).filter((one) => !areSameFiles(a, inA[one], b, inB[one]));
  if (managers.length === 0) return { packages: [], packageNotes: [] };
  const { diffPackages } = await import("../image/packages/diff-packages.ts");
  const from = await installedPackages(a, managers);
  const to = await installedPackages(b, managers);
  // With one side unknown, all of the other would seem to be added or deleted.
  const known = ({ manager }: InstalledPackage): boolean => !from.notes.has(manager) && !to.notes.has(manager);
  return {
    packages: diffPackages(from.packages.filter(known), to.packages.filter(known)),
    packageNotes: [...new Set([...from.notes.values(), ...to.notes.values()])],
  };
}

/** Whether both trees have these files at the same places of the same layers. */
function areSameFiles(a: FileTree, nodesA: readonly number[], b: FileTree, nodesB: readonly number[]): boolean {
  const place = ({ index, sourceKeys }: FileTree, node: number): string => {
    const inode = index.inodeOf(node);
    return inode === undefined ? "" : `${sourceKeys[index.layerOf(inode)]} ${index.dataOffsetOf(inode)}`;
  };
  return nodesA.length === nodesB.length && nodesA.every((node, n) => place(a, node) === place(b, nodesB[n]!));
}

/** By ENTRY_*. */
const TYPES: Record<number, FileType> = {
  0: "file",
  2: "symlink",
  3: "char device",
  4: "block device",
  5: "directory",
  6: "fifo",
};

/** What the index says of a node that names a file. */
export function fileFacts(index: LayerIndex, node: number): FileFacts {
  const inode = index.inodeOf(node)!;
  const type = TYPES[index.typeOf(inode)]!;
  return {
    type,
    mode: index.modeOf(inode),
    uid: index.uidOf(inode),
    gid: index.gidOf(inode),
    ...(type === "file" ? { size: index.sizeOf(inode) } : {}),
    mtime: index.mtimeSecondsOf(inode) + index.mtimeNanosecondsOf(inode) / 1e9,
    ...(type === "symlink" ? { target: displayBytes(index.linkTargetOf(inode)) } : {}),
    ...(type === "char device" || type === "block device"
      ? { device: [index.rdevMajorOf(inode), index.rdevMinorOf(inode)] as [number, number] }
      : {}),
  };
}
