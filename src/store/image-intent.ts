import { readdirSync } from "node:fs";
import { GantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import type { Digest, Image, ReceivedIndex } from "../image/types.ts";
import { chainId } from "../layer/chain-id.ts";
import type { ImageRecord } from "./image-records.ts";
import type { Intent } from "./intent.ts";
import type { StoreLayout } from "./layout.ts";

const HEX = /^[0-9a-f]{64}$/;

/** Everything that may be collected. */
export function wholeContent(layout: StoreLayout): Intent {
  const named = (directory: string): string[] => readdirSync(directory).filter((name) => HEX.test(name));
  const chains = readdirSync(layout.chainsDir()).map((name) => name.split(".")[0] as string);
  return {
    blobs: named(layout.blobsDir()),
    layers: named(layout.layersDir()),
    chains: [...new Set(chains)].filter((name) => HEX.test(name)),
  };
}

/** What the images consist of; of a damaged one, as much as is known. */
export function intentOf(images: Image[]): Intent {
  const intent: Intent = { blobs: [], layers: [], chains: [] };
  for (const image of images) {
    const layers = whole(() => image.layers) ?? [];
    const chain = chainId(layers.map((layer) => layer.diffId));
    const indexed = image.indexes.flatMap(receivedBlobs);
    const blobs = [image.id, image.manifest.digest, ...indexed, ...layers.map((layer) => layer.blob.digest)];
    intent.blobs.push(...blobs.map(digestHex));
    intent.layers.push(...layers.map((layer) => digestHex(layer.diffId)));
    if (chain !== undefined) intent.chains.push(digestHex(chain));
  }
  return intent;
}

function receivedBlobs({ descriptor, parts = [] }: ReceivedIndex): Digest[] {
  return [descriptor, ...parts].map((part) => part.digest);
}

/** The indexes of a record, and what they list besides images. */
export const indexBlobs = (record: ImageRecord): Digest[] => (record.indexes ?? []).flatMap(receivedBlobs);

/** What `read` gives, or undefined where it meets a damaged image. */
export function whole<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GantryError) return undefined;
    throw error;
  }
}
