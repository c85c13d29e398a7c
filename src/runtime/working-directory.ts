import { chmodSync, chownSync, lstatSync, mkdirSync, utimesSync } from "node:fs";
import { setXattr } from "../bridge/index.ts";
import { GantryError } from "../errors/index.ts";
import type { LayerIndex } from "../layer/layer-index.ts";

const MAX_LINKS = 40;

/**
 * Makes a container's working directory in its upper directory if its image lacks it, as Docker does when the container
 * is created: owner root, mode 0755, missing parents too. Directories of the image on the way are made in the upper as
 * the overlay would copy them up, attributes and all; symbolic links are followed inside the image.
 *
 * @param upper an empty upper directory
 * @throws CONTAINER_CONFIG_INVALID if something that is no directory is in the way
 */
export function makeWorkingDirectory(index: LayerIndex, upper: string, workdir: string): void {
  const route = routeOf(index, workdir);
  if (route === undefined || route.missing.length === 0) return;
  let at: Buffer = Buffer.from(upper);
  const copied: { path: Buffer; inode: number }[] = [];
  for (const node of route.existing) {
    at = join(at, index.nameOf(node));
    mkdirSync(at);
    copied.push({ path: at, inode: index.inodeOf(node) as number });
  }
  for (const name of route.missing) {
    at = join(at, name);
    mkdirSync(at, 0o755);
    chmodSync(at, 0o755);
  }
  // Deepest first, after everything has been made in them: times last. The last one has changed, so its time is now.
  copied.reverse().forEach(({ path, inode }, position) => copyAttributes(index, inode, path, position > 0));
}

/** The image's directories on the way to `path`, root excluded, and the names that are not there. */
function routeOf(index: LayerIndex, path: string): { existing: number[]; missing: Buffer[] } | undefined {
  const pending = namesIn(Buffer.from(path)).reverse();
  const stack: number[] = [0];
  let links = 0;
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const here = stack[stack.length - 1] as number;
    if (name.equals(DOT_DOT)) {
      if (stack.length > 1) stack.pop();
      continue;
    }
    const child = index.child(here, name);
    if (child === undefined) {
      // What does not exist has no links in it: ".." can be taken out by name.
      const missing: Buffer[] = [];
      for (const next of [name, ...pending.reverse()]) {
        if (!next.equals(DOT_DOT)) missing.push(next);
        else if (missing.length > 0) missing.pop();
        else throw obstructed(path);
      }
      return { existing: stack.slice(1), missing };
    }
    const inode = index.inodeOf(child) as number;
    if (index.isSymlink(inode)) {
      if (++links > MAX_LINKS) throw obstructed(path);
      const target = index.linkTargetOf(inode);
      if (target[0] === 0x2f) stack.length = 1;
      pending.push(...namesIn(target).reverse());
    } else if (index.isDirectory(inode)) {
      stack.push(child);
    } else {
      throw obstructed(path);
    }
  }
  return undefined;
}

function copyAttributes(index: LayerIndex, inode: number, path: Buffer, withTimes: boolean): void {
  chownSync(path, index.uidOf(inode), index.gidOf(inode));
  chmodSync(path, index.modeOf(inode));
  for (const { name, value } of index.xattrsOf(inode)) setXattr(path, Buffer.from(name).toString(), value);
  if (!withTimes) return;
  const seconds = index.mtimeSecondsOf(inode) + index.mtimeNanosecondsOf(inode) / 1e9;
  utimesSync(path, lstatSync(path).atime, seconds);
}

const DOT_DOT = Buffer.from("..");

function namesIn(path: Uint8Array): Buffer[] {
  return Buffer.from(path)
    .toString("latin1")
    .split("/")
    .filter((name) => name !== "" && name !== ".")
    .map((name) => Buffer.from(name, "latin1"));
}

function join(directory: Buffer, name: Uint8Array): Buffer {
  return Buffer.concat([directory, Buffer.from("/"), name]);
}

function obstructed(path: string): GantryError {
  return new GantryError("CONTAINER_CONFIG_INVALID", `Cannot mkdir: ${path} is not a directory`, {
    remedy: "Choose another working directory with --workdir.",
    details: { workdir: path },
  });
}
