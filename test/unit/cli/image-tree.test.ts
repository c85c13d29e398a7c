import { expect, it } from "vitest";
import { imageTree } from "../../../src/cli/commands/image/image-tree.ts";
import type { Descriptor, Digest, Image } from "../../../src/image/types.ts";
import { StoreLayout } from "../../../src/store/layout.ts";
import type { Store } from "../../../src/store/store.ts";

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const descriptor = (letter: string, size: number): Descriptor => ({ mediaType: "", digest: digest(letter), size });

it("a name has its platforms below it, with what they take on disk and as blobs", () => {
  const name = "docker.io/library/both:1";
  const index = { descriptor: descriptor("f", 500), names: [name] };
  const image = (letter: string, architecture: string, sizeBytes: number): Image =>
    ({
      ...{ id: digest(letter), names: [name], sizeBytes, indexes: [index], index: index.descriptor },
      platform: { os: "linux", architecture },
      manifest: descriptor(letter, 1000),
      layers: [{ diffId: digest(letter), blob: descriptor(letter, sizeBytes / 2) }],
    }) as unknown as Image;
  const images = [image("a", "amd64", 10_000_000), image("b", "arm64", 8_000_000)];
  const alone = { ...image("c", "amd64", 2000), names: [], indexes: [], index: undefined } as unknown as Image;
  const store = { images: () => [...images, alone], layout: new StoreLayout("/nonexistent") } as unknown as Store;
  const selected = [
    { image: images[0]!, names: [name] },
    { image: alone, names: [] },
  ];
  expect(imageTree(store, selected, false)).toBe(
    [
      "IMAGE            ID             DISK USAGE   CONTENT SIZE   EXTRA",
      "both:1           ffffffffffff         18MB            9MB",
      "├─ linux/amd64   aaaaaaaaaaaa         10MB            5MB",
      "└─ linux/arm64   bbbbbbbbbbbb          8MB            4MB",
      "<untagged>       cccccccccccc          2kB            2kB",
      "",
    ].join("\n"),
  );
});
