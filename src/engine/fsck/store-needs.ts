import type { ImageRecord } from "../../store/image-records.ts";
import { digestHex } from "../../image/digest.ts";
import { familiarReference } from "../../image/reference.ts";
import type { Descriptor, Digest } from "../../image/types.ts";
import { chainId } from "../../layer/chain-id.ts";

/** Something that must be in blobs/. */
export interface NeededBlob {
  digest: Digest;
  /** What its descriptors say; undefined for a config that is known by its record only. */
  sizeBytes: number | undefined;
  role: "manifest" | "config" | "index" | "layer";
  users: string[];
}

/** Something that must be in layers/. */
export interface NeededLayer {
  diffId: Digest;
  /** The blobs that images received it as: each is a way to get it again. */
  receivedAs: Set<Digest>;
  /** Of the tar, where a descriptor says it. */
  tarBytes: number | undefined;
  users: string[];
}

/** Everything that images and containers need. */
export class StoreNeeds {
  readonly blobs = new Map<Digest, NeededBlob>();
  readonly layers = new Map<Digest, NeededLayer>();
  /** By chain id: the layers, bottom first. */
  readonly chains = new Map<Digest, readonly Digest[]>();
  /** Those whose needs cannot be known whole, because their documents or records are damaged. */
  readonly unclear: string[] = [];

  needBlob(descriptor: { digest: Digest; size?: number }, role: NeededBlob["role"], user: string): void {
    const known = this.blobs.get(descriptor.digest);
    if (known === undefined) {
      this.blobs.set(descriptor.digest, {
        digest: descriptor.digest,
        sizeBytes: descriptor.size,
        role,
        users: [user],
      });
      return;
    }
    known.sizeBytes ??= descriptor.size;
    if (!known.users.includes(user)) known.users.push(user);
  }

  needLayer(diffId: Digest, user: string, blob?: Descriptor): void {
    let layer = this.layers.get(diffId);
    if (layer === undefined) {
      layer = { diffId, receivedAs: new Set(), tarBytes: undefined, users: [] };
      this.layers.set(diffId, layer);
    }
    if (!layer.users.includes(user)) layer.users.push(user);
    if (blob === undefined) return;
    layer.receivedAs.add(blob.digest);
    if (blob.digest === diffId) layer.tarBytes = blob.size;
  }

  needChain(diffIds: readonly Digest[]): void {
    const chain = chainId(diffIds);
    if (chain !== undefined) this.chains.set(chain, diffIds);
  }
}

/** How findings call an image: its names, else its short id. */
export function imageLabel(record: ImageRecord): string {
  const names = Array.isArray(record.names) ? record.names.map(familiarReference) : [];
  return names.length === 0 ? `image ${digestHex(record.id).slice(0, 12)}` : names.join(", ");
}
