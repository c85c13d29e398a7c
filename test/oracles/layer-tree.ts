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

/**
 * The directory that a path leads to, as its real path: symbolic links are followed within the layer, at most 40 of them with
 * 4096 bytes of targets. Undefined: a directory is missing that may not be made.
 */
function followed(root: OracleNode, path: readonly string[], makes: boolean): OracleNode[] | undefined {
  const links: string[] = [];
  const steps = path.map((name) => ({ name, own: true }));
  let trail = [root];
  for (let step = steps.shift(); step !== undefined; step = steps.shift()) {
    const { name, own } = step;
    if (name === "..") {
      trail = [root, ...trail.slice(1, -1)];
      continue;
    }
    if (makes && own && name.startsWith(".wh.") && !name.startsWith(".wh..wh.")) throw new Refused("LAYER_INVALID");
    const children = trail.at(-1)!.children!;
    let child = children.get(name);
    if (child?.inode === undefined && makes && own) {
      children.set(name, (child ??= emptyNode()));
      Object.assign(child, { ...directoryNode(), whiteout: child.whiteout, hidden: name.startsWith(".wh..wh.") });
    }
    if (child?.inode === undefined && own) return undefined;
    const link = child?.inode?.record?.type === 2 ? child.inode.record.link : "";
    if (child?.children !== undefined && (own || !child.hidden)) trail.push(child);
    else if (link === "" || child!.hidden) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
    else {
      links.push(link);
      if (links.length > 40 || links.join("").length > 4096) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
      if (link.startsWith("/")) trail = [root];
      const names = link.split("/").filter((c) => c !== "" && c !== ".");
      steps.unshift(...names.map((c) => ({ name: c, own: false })));
    }
  }
  return trail;
}

/** The same, of a path that is looked at when `node` was removed. */
function followedWithout(root: OracleNode, path: readonly string[], node: OracleNode): OracleNode[] | undefined {
  const { inode, children } = node;
  delete node.inode;
  delete node.children;
  try {
    return followed(root, path, false);
  } finally {
    Object.assign(node, inode && { inode }, children && { children });
  }
}

function applyEntry(root: OracleNode, record: EntryRecord, walked: Map<number, OracleInode>): void {
  const components = componentsOf(record.path);
  const name = components.pop();
  const trail = followed(root, components, true)!;
  const parent = trail.at(-1)!;
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
  // Who unpacks a layer removes what is in an entry's place first: that must not be on the entry's own way.
  if (node.inode !== undefined && !(record.type === 5 && node.children !== undefined)) {
    if (!leadsTo(parent, root, components, node)) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
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

function leadsTo(parent: OracleNode, root: OracleNode, path: readonly string[], without: OracleNode): boolean {
  try {
    return followedWithout(root, path, without)?.at(-1) === parent;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
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
    if (at?.inode?.record?.type === 2) return linkThroughLinks(root, components, self);
    if (at?.inode !== undefined && at.children === undefined) throw new Refused("LAYER_PATH_THROUGH_NON_DIRECTORY");
    at = at?.children?.get(component);
  }
  if (at?.inode !== undefined) {
    if (at.children !== undefined) throw new Refused("LAYER_LINK_TO_DIRECTORY");
    return at === self ? self.inode! : at.inode;
  }
  return { record, layer: 0, target: components.join("/") };
}

/** A hard link whose target leads through symbolic links: that is in this layer, or nowhere. */
function linkThroughLinks(root: OracleNode, target: readonly string[], self: OracleNode): OracleInode {
  const found = followedWithout(root, target.slice(0, -1), self)?.at(-1)?.children!.get(target.at(-1)!);
  if (found?.inode === undefined || found === self) throw new Refused("LAYER_LINK_TARGET_MISSING");
  if (found.children !== undefined) throw new Refused("LAYER_LINK_TO_DIRECTORY");
  return found.inode;
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
