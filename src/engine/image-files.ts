import { setImmediate as turn } from "node:timers/promises";
import { MAX_READ_BYTES, TreeReader } from "../archive/tree-reader.ts";
import { GantryError } from "../errors/index.ts";
import type { Reporter } from "../events/progress.ts";
import type { Digest } from "../image/types.ts";
import { displayBytes } from "../kernels/display-bytes.ts";
import type { LayerIndex } from "../layer/layer-index.ts";
import { resolvePath } from "../layer/resolve-path.ts";
import type { Store } from "../store/store.ts";
import { type FileFacts, fileFacts } from "./diff-images.ts";
import type { FileTree, OpenTreeOptions, TreeLayer } from "./file-tree.ts";
import { openFileTree } from "./open-file-tree.ts";

/** Between two chances to be cancelled. */
const TURN_FILES = 4096;

/** A file of a listing. */
export interface ListedFile {
  /** Raw bytes, with a leading slash. In one layer's listing whiteouts are called as in its tar: `.wh.NAME`. */
  path: Buffer;
  /** Undefined for a whiteout. */
  facts: FileFacts | undefined;
  /** Names that the file has. */
  links: number;
  /** The layer that the file comes from: 1 is the bottom. */
  layer: number;
  /** Undefined for a container's own changes. */
  diffId: Digest | undefined;
}

export interface ListFilesOptions extends OpenTreeOptions {
  /** What is at and below these; default everything. Links on the way are followed inside the tree. */
  paths?: readonly string[];
  /** Also what is below directories. Default true. */
  recursive?: boolean;
  /** Only what this layer brings, as it brings it: its number, 1 being the bottom, or the beginning of its diffId. */
  layer?: string;
}

/**
 * Lists the files of an image, archive or container (open-file-tree.ts says how they are named), depth first, in bytewise order.
 * @throws PATH_NOT_FOUND, LAYER_MISSING and what opening the tree throws
 */
export async function listFiles(
  store: Store,
  given: string,
  options: ListFilesOptions,
  reporter: Reporter,
): Promise<ListedFile[]> {
  const tree = await openFileTree(store, given, reporter, options);
  try {
    const only = options.layer === undefined ? undefined : findLayer(tree, options.layer);
    const index = only === undefined ? tree.index : tree.layers[only]!.index();
    const files: ListedFile[] = [];
    for (const path of options.paths?.length ? options.paths : ["/"]) {
      // A slash at the end asks for what a link leads to, as with ls.
      const start = find(index, path, given, path.endsWith("/"));
      for (const node of options.recursive === false ? listed(index, start) : index.walk(start)) {
        if (node !== 0) files.push(...entriesOf(index, node, tree.layers, only));
        if (files.length % TURN_FILES !== 0) continue;
        await turn();
        if (reporter.signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      }
    }
    return files;
  } finally {
    await tree.dispose();
  }
}

/** A directory's children; anything else itself. */
function listed(index: LayerIndex, node: number): number[] {
  const inode = index.inodeOf(node);
  if (inode === undefined || !index.isDirectory(inode)) return [node];
  const first = index.firstChildOf(node);
  return Array.from({ length: index.childCountOf(node) }, (_, n) => first + n);
}

/** The node as a line or, an opaque directory of a layer, two. */
function entriesOf(
  index: LayerIndex,
  node: number,
  layers: readonly TreeLayer[],
  only: number | undefined,
): ListedFile[] {
  const path = Buffer.concat([Buffer.from("/"), index.pathOf(node)]);
  const inode = index.inodeOf(node);
  const layer = only ?? (inode === undefined ? 0 : index.layerOf(inode));
  const origin = { layer: layer + 1, diffId: layers[layer]?.diffId };
  if (inode === undefined) {
    const slash = path.lastIndexOf("/") + 1;
    const hidden = Buffer.concat([path.subarray(0, slash), Buffer.from(".wh."), path.subarray(slash)]);
    return [{ path: hidden, facts: undefined, links: 1, ...origin }];
  }
  const entry: ListedFile = { path, facts: fileFacts(index, node), links: index.linkCountOf(inode), ...origin };
  if (!index.isOpaque(node)) return [entry];
  const opaque = Buffer.concat([path, Buffer.from("/.wh..wh..opq")]);
  return [entry, { path: opaque, facts: undefined, links: 1, ...origin }];
}

/** The position of a layer in the tree. @throws LAYER_MISSING */
export function findLayer(tree: FileTree, wanted: string): number {
  const number = /^\d+$/.test(wanted) ? Number(wanted) : 0;
  if (number >= 1 && number <= tree.layers.length) return number - 1;
  const hex = wanted.replace(/^sha256:/, "");
  const found = /^[0-9a-f]{4,64}$/.test(hex)
    ? tree.layers.flatMap(({ diffId }, n) => (diffId?.startsWith(`sha256:${hex}`) === true ? [n] : []))
    : [];
  if (found.length > 0) return found[0]!;
  throw new GantryError("LAYER_MISSING", `${tree.label} has no layer ${wanted}: it has ${tree.layers.length}`, {
    remedy: "Give its number, 1 being the bottom, or the beginning of its digest.",
    details: { wanted, layers: tree.layers.map(({ diffId }) => diffId) },
  });
}

/** Something that files can be read from; `close` it. */
export interface OpenedFiles {
  /**
   * Hands the content of the regular file at `path` to `write`, piece by piece; a piece is valid until `write` is done.
   * Symbolic links are followed inside the tree; holes are zeros.
   * @throws PATH_NOT_FOUND, PATH_INVALID (no regular file), PATH_SYMLINK_LOOP, CANCELLED
   */
  copy(path: string, write: (bytes: Uint8Array) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

/** Opens the files of an image, archive or container for reading. @throws what opening the tree throws */
export async function openFiles(
  store: Store,
  given: string,
  reporter: Reporter,
  options: OpenTreeOptions = {},
): Promise<OpenedFiles> {
  const tree = await openFileTree(store, given, reporter, options);
  const reader = new TreeReader(tree.index, tree.sources);
  return {
    copy: async (path, write) => {
      await copyContent(tree.index, reader, find(tree.index, path, given, true), path, reporter.signal, write);
    },
    close: async () => {
      reader.close();
      await tree.dispose();
    },
  };
}

/** @throws PATH_NOT_FOUND, PATH_SYMLINK_LOOP */
function find(index: LayerIndex, path: string, given: string, followLast: boolean): number {
  const node = resolvePath(index, path, { followLast });
  if (node !== undefined) return node;
  throw new GantryError("PATH_NOT_FOUND", `${path}: no such file or directory in ${given}`, {
    details: { path, in: given },
  });
}

async function copyContent(
  index: LayerIndex,
  reader: TreeReader,
  node: number,
  path: string,
  signal: AbortSignal,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  const inode = index.inodeOf(node)!;
  if (!index.isRegular(inode)) {
    const { type } = fileFacts(index, node);
    const what = type === "directory" ? "is a directory" : `is a ${type}, not a regular file`;
    throw new GantryError("PATH_INVALID", `${path}: ${what}`, {
      details: { path: displayBytes(index.pathOf(node)), type },
    });
  }
  const zeros = new Uint8Array(MAX_READ_BYTES);
  const size = index.sizeOf(inode);
  let position = 0;
  const pieces = async (bytes: number, piece: (done: number, bytes: number) => Uint8Array): Promise<void> => {
    for (let done = 0; done < bytes; done += MAX_READ_BYTES) {
      if (signal.aborted) throw new GantryError("CANCELLED", "cancelled");
      await write(piece(done, Math.min(MAX_READ_BYTES, bytes - done)));
    }
    position += bytes;
  };
  for (const { fileOffset, bytes, at } of reader.segments(inode)) {
    await pieces(fileOffset - position, (_, count) => zeros.subarray(0, count));
    await pieces(bytes, (done, count) => reader.read(inode, at + done, count));
  }
  await pieces(size - position, (_, count) => zeros.subarray(0, count));
}
