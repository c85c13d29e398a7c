import type { EntryRecord } from "./entry-records.ts";

/**
 * The layer rules, slow and plain: nested maps, whole copies, one layer after the other. What the layer kernel does must
 * come out the same (ARCHITECTURE.md, "Layer rules"; OCI image-spec, layer.md).
 */
export interface OracleInode {
  /** The entry; undefined for a directory that none of the layers has an entry of. */
  record: EntryRecord | undefined;
  layer: number;
  /** Of a hard link to a lower layer: the normalised target. */
  target?: string;
}

export interface OracleNode {
  inode?: OracleInode;
  /** Set: it is a directory. */
  children?: Map<string, OracleNode>;
  implied: boolean;
  opaque: boolean;
  whiteout: boolean;
  hidden: boolean;
}

/** A refusal, with the code that the kernel's error should have. */
export class Refused extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

function emptyNode(): OracleNode {
  return { implied: false, opaque: false, whiteout: false, hidden: false };
}

function directoryNode(): OracleNode {
  return { ...emptyNode(), implied: true, inode: { record: undefined, layer: 0 }, children: new Map() };
}

function componentsOf(path: string): string[] {
  const components = path.split("/").filter((c) => c !== "" && c !== ".");
  if (components.includes("..")) throw new Refused("LAYER_PATH_ESCAPES");
  if (components.some((c) => c.includes("\0") || c.length > 255)) throw new Refused("LAYER_INVALID");
  return components;
}

/** The tree of one layer alone. */
export function layerTree(records: readonly EntryRecord[]): OracleNode {
  const root = directoryNode();
  const walked = new Map<number, OracleInode>();
  for (const record of records) applyEntry(root, record, walked);
  return root;
}

function applyEntry(root: OracleNode, record: EntryRecord, walked: Map<number, OracleInode>): void {
  const components = componentsOf(record.path);
  const name = components.pop();
  let parent = root;
  for (const component of components) {
    if (component.startsWith(".wh.") && !component.startsWith(".wh..wh.")) throw new Refused("LAYER_INVALID");
    let child = parent.children!.get(component);
    if (child === undefined) parent.children!.set(component, (child = emptyNode()));
    if (child.inode === undefined) {
      Object.assign(child, { inode: { record: undefined, layer: 0 }, children: new Map(), implied: true });
      child.hidden = component.startsWith(".wh..wh.");
    }
    if (child.children === undefined) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
    parent = child;
  }
  if (name === undefined) {
    if (record.type !== 5 || record.flags & 1) throw new Refused("LAYER_INVALID");
    updateDirectory(root, record);
    return;
  }
  if (name === ".wh..wh..opq") {
    parent.opaque = true;
    return;
  }
  const isWhiteout = name.startsWith(".wh.") && !name.startsWith(".wh..wh.");
  const target = isWhiteout ? name.slice(4) : name;
  if (isWhiteout && target === "") throw new Refused("LAYER_INVALID");
  if (isWhiteout && (target === "." || target === "..")) throw new Refused("LAYER_PATH_ESCAPES");
  let node = parent.children!.get(target);
  if (node === undefined) parent.children!.set(target, (node = emptyNode()));
  if (isWhiteout) {
    node.whiteout = true;
    return;
  }
  if (name.startsWith(".wh..wh.")) node.hidden = true;
  if (record.flags & 1 || (record.type === 3 && record.rdev[0] === 0 && record.rdev[1] === 0)) {
    Object.assign(node, { inode: undefined, children: undefined, implied: false, opaque: false, whiteout: true });
  } else if (record.type === 5) updateDirectory(node, record);
  else if (record.type === 1) replace(node, linkInode(root, record, node));
  else {
    let inode = record.linkCount > 1 ? walked.get(record.dataOffset) : undefined;
    inode ??= { record, layer: 0 };
    if (record.linkCount > 1) walked.set(record.dataOffset, inode);
    replace(node, inode);
  }
}

function updateDirectory(node: OracleNode, record: EntryRecord): void {
  node.children ??= new Map();
  node.inode = { record, layer: 0 };
  node.implied = false;
  if (record.flags & 2) node.opaque = true;
}

function replace(node: OracleNode, inode: OracleInode): void {
  if (node.children !== undefined) Object.assign(node, { children: undefined, implied: false, opaque: false });
  node.inode = inode;
}

function linkInode(root: OracleNode, record: EntryRecord, self: OracleNode): OracleInode {
  const components = componentsOf(record.link);
  if (components.length === 0) throw new Refused(record.link === "" ? "LAYER_INVALID" : "LAYER_LINK_TO_DIRECTORY");
  let at: OracleNode | undefined = root;
  for (const component of components) {
    if (at?.inode !== undefined && at.children === undefined) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
    at = at?.children?.get(component);
  }
  if (at?.inode !== undefined) {
    if (at.children !== undefined) throw new Refused("LAYER_LINK_TO_DIRECTORY");
    return at === self ? self.inode! : at.inode;
  }
  return { record, layer: 0, target: components.join("/") };
}

/** Puts the layers' trees over each other, bottom first. */
export function mergedTree(layers: readonly OracleNode[]): OracleNode {
  let merged = directoryNode();
  for (const [number, layer] of layers.entries()) {
    const inodes = new Map<OracleInode, OracleInode>();
    const lower = merged;
    merged = overlay(lower, layer, (inode) => {
      let made = inodes.get(inode);
      if (made === undefined) {
        made = inode.target === undefined ? { ...inode, layer: number } : resolve(lower, inode.target);
        inodes.set(inode, made);
      }
      return made;
    });
  }
  return merged;
}

function resolve(lower: OracleNode, target: string): OracleInode {
  let at: OracleNode | undefined = lower;
  for (const component of target.split("/")) at = at?.children?.get(component);
  if (at === undefined) throw new Refused("LAYER_LINK_TARGET_MISSING");
  if (at.children !== undefined) throw new Refused("LAYER_LINK_TO_DIRECTORY");
  return at.inode!;
}

function overlay(
  lower: OracleNode | undefined,
  upper: OracleNode,
  adopt: (inode: OracleInode) => OracleInode,
): OracleNode {
  if (upper.children === undefined) return { ...emptyNode(), inode: adopt(upper.inode!) };
  // A directory made again where a whiteout was has nothing of the lower one.
  const below = upper.whiteout || lower?.children === undefined ? undefined : lower;
  const keeps = upper.implied && below !== undefined;
  const children = new Map(upper.opaque ? [] : below?.children);
  for (const [name, child] of upper.children) {
    if (child.hidden) continue;
    if (child.inode === undefined) children.delete(name);
    else children.set(name, overlay(children.get(name), child, adopt));
  }
  return { ...emptyNode(), inode: keeps ? below.inode! : adopt(upper.inode!), implied: false, children };
}
