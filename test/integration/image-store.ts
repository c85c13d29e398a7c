import { createHash } from "node:crypto";
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reporter } from "../../src/events/progress.ts";
import { type LoadedImage, loadImages, type LoadSource } from "../../src/engine/load-image.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";

export const SILENT: Reporter = { emit: () => undefined, signal: new AbortController().signal };

/** A temporary directory with a store in it, and ways to look at the store from outside. */
export class StoreUnderTest {
  readonly directory = mkdtempSync(join(tmpdir(), "gantry-image-test-"));
  readonly root = join(this.directory, "store");

  open(): Store {
    return openStore(this.root);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  load(source: LoadSource, options = {}, reporter = SILENT): Promise<LoadedImage[]> {
    return loadImages(this.open(), source, options, reporter);
  }

  /**
   * Every path in the store with its type, link count and content's hash: equal listings are equal stores. Of the event
   * log, which says when something happened, nothing.
   */
  listing(): string[] {
    return list(this.root, "")
      .filter((line) => !line.startsWith("events/"))
      .sort();
  }

  /** Whether every digest name holds the bytes it says; and everything in the store is needed by an image. */
  problems(): string[] {
    const store = this.open();
    const needed = new Set(
      store.images().flatMap((image) => {
        const indexed = image.indexes.flatMap(({ descriptor, parts = [] }) => [descriptor, ...parts]);
        const blobs = [image.manifest, ...indexed, ...image.layers.map((layer) => layer.blob)];
        return [image.id, ...blobs.map((blob) => blob.digest)];
      }),
    );
    const layers = new Set(store.images().flatMap((image) => image.layers.map((layer) => layer.diffId)));
    const found: string[] = [];
    const check = (path: string, hex: string, isNeeded: boolean): void => {
      if (createHash("sha256").update(readFileSync(path)).digest("hex") !== hex) found.push(`wrong bytes: ${path}`);
      if (!isNeeded) found.push(`not needed: ${path}`);
    };
    for (const hex of readdirSync(store.layout.blobsDir())) {
      check(join(store.layout.blobsDir(), hex), hex, needed.delete(`sha256:${hex}`));
    }
    for (const hex of readdirSync(store.layout.layersDir())) {
      check(store.layout.layerTar(`sha256:${hex}`), hex, layers.delete(`sha256:${hex}`));
      if (!existsSync(store.layout.layerIndex(`sha256:${hex}`))) found.push(`no index: ${hex}`);
    }
    for (const digest of [...needed, ...layers]) found.push(`missing: ${digest}`);
    for (const name of readdirSync(store.layout.tmpDir())) found.push(`left in tmp: ${name}`);
    return found;
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

function list(root: string, below: string): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return [`${path}/`, ...list(root, path)];
    if (entry.isSymbolicLink()) return [`${path} -> ${readlinkSync(join(root, path))}`];
    const content = createHash("sha256")
      .update(readFileSync(join(root, path)))
      .digest("hex");
    return [`${path} ${lstatSync(join(root, path)).nlink} ${content}`];
  });
}
