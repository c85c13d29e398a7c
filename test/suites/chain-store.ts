import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { artifact } from "../../src/artifacts/locate.ts";
import { digestOf } from "../../src/image/digest.ts";
import type { Digest } from "../../src/image/types.ts";
import { ingestLayer } from "../../src/kernels/ingest-layer.ts";
import type { LowerPlan } from "../../src/snapshot/snapshotter.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import type { SeenRow } from "./expected-tree.ts";
import { buildTar, type TarMember } from "./tar-builder.ts";

/** Why chains cannot be prepared and mounted on this machine; undefined if they can. */
export function obstacle(): string | undefined {
  if (process.geteuid?.() !== 0) return "needs root";
  if (!existsSync(artifact("wasm/layer.simd.wasm"))) return "needs the kernels: npm run setup";
  if (!existsSync(artifact("native/libgantry_bridge.so"))) return "needs the bridge: npm run setup";
  try {
    execFileSync("python3", ["--version"], { stdio: "ignore" });
  } catch {
    return "needs python3";
  }
  return undefined;
}

/** A store in a directory of its own that layers can be put into, and mounted plans looked at. */
export class ChainBench {
  readonly path = mkdtempSync(join(tmpdir(), "gantry-chain-"));
  readonly store: Store = openStore(join(this.path, "store"));

  /** Takes in a layer as loading an image does, short of publishing an image. */
  async addTar(tar: Uint8Array): Promise<Digest> {
    const dir = join(this.path, randomBytes(6).toString("hex"));
    mkdirSync(dir);
    writeFileSync(join(dir, "tar"), tar);
    const { tarSha256 } = await ingestLayer({
      label: "layer",
      source: { path: join(dir, "tar"), offset: 0, size: tar.length },
      tarFile: join(dir, "unused"),
      indexFile: join(dir, "index"),
    });
    const diffId = digestOf(tarSha256);
    if (this.store.hasLayer(diffId)) rmSync(dir, { recursive: true });
    else renameSync(dir, this.store.layout.layerDir(diffId));
    return diffId;
  }

  async addLayers(layers: readonly (readonly TarMember[])[]): Promise<Digest[]> {
    const diffIds: Digest[] = [];
    for (const members of layers) diffIds.push(await this.addTar(buildTar(members)));
    return diffIds;
  }

  /** The tree that a process sees when the plan is mounted, in a mount namespace that is gone afterwards. */
  see(plan: LowerPlan, options: { overlay?: boolean; probes?: [offset: number, bytes: number][] } = {}): SeenRow[] {
    const name = join(this.path, randomBytes(6).toString("hex"));
    mkdirSync(name);
    writeFileSync(`${name}.json`, JSON.stringify(plan));
    const args = [join(import.meta.dirname, "see-plan.py"), `${name}.json`, name];
    if (options.overlay === true) {
      // "/" shows the upper directory's attributes, so whoever makes it gives it the image's.
      const root = this.see(plan).find((row) => row.p === "")!;
      mkdirSync(`${name}.upper`);
      chownSync(`${name}.upper`, root.u, root.g);
      chmodSync(`${name}.upper`, root.mode);
      args.push("--upper", `${name}.upper`);
    }
    for (const [offset, bytes] of options.probes ?? []) args.push("--probe", `${offset}:${bytes}`);
    const output = execFileSync("python3", args, { encoding: "utf8", maxBuffer: 1 << 30 });
    return output
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as SeenRow);
  }

  dispose(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
