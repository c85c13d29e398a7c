import { sha256, tarOf, type Entry } from "./make-archive.ts";

const OCI = "application/vnd.oci.image";
export const INDEX_TYPE = `${OCI}.index.v1+json`;
export const MANIFEST_TYPE = `${OCI}.manifest.v1+json`;

export interface MadeDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { os: string; architecture: string; variant?: string };
  annotations?: Record<string, string>;
}

export interface MadeImage {
  manifest: MadeDescriptor;
  config: MadeDescriptor;
  layers: MadeDescriptor[];
}

/** An OCI image layout in the making: blobs by digest, and what index.json lists. */
export class LayoutMaker {
  readonly blobs = new Map<string, Buffer>();
  readonly listed: MadeDescriptor[] = [];

  blob(content: Buffer | object, mediaType: string): MadeDescriptor {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    this.blobs.set(sha256(bytes), bytes);
    return { mediaType, digest: `sha256:${sha256(bytes)}`, size: bytes.length };
  }

  /** An image for `os/arch[/variant]` of these tars; `compress` makes the blobs of its layers. */
  image(
    platform: string,
    tars: readonly Buffer[],
    options: { compress?: (tar: Buffer) => Buffer; layerType?: string; config?: object } = {},
  ): MadeImage {
    const [os = "", architecture = "", variant] = platform.split("/");
    const asPlatform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    const diffIds = tars.map((tar) => `sha256:${sha256(tar)}`);
    const content = { ...asPlatform, ...options.config, rootfs: { type: "layers", diff_ids: diffIds } };
    const config = this.blob(content, `${OCI}.config.v1+json`);
    const layerType = options.layerType ?? `${OCI}.layer.v1.tar${options.compress === undefined ? "" : "+gzip"}`;
    const layers = tars.map((tar) => this.blob(options.compress?.(tar) ?? tar, layerType));
    const manifest = this.blob({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers }, MANIFEST_TYPE);
    return { manifest: { ...manifest, platform: asPlatform }, config, layers };
  }

  /** BuildKit's attestation for an image. */
  attestation({ manifest }: MadeImage): MadeDescriptor {
    const layer = this.blob({ about: manifest.digest }, "application/vnd.in-toto+json");
    const config = this.blob(
      { architecture: "unknown", os: "unknown", rootfs: { type: "layers", diff_ids: [layer.digest] } },
      `${OCI}.config.v1+json`,
    );
    return {
      ...this.blob({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers: [layer] }, MANIFEST_TYPE),
      platform: { os: "unknown", architecture: "unknown" },
      annotations: {
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": manifest.digest,
      },
    };
  }

  index(manifests: readonly MadeDescriptor[]): MadeDescriptor {
    return this.blob({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }, INDEX_TYPE);
  }

  /** Lists a descriptor in index.json: under a full name or a bare tag, or without. */
  list(descriptor: MadeDescriptor, name?: string): void {
    const annotations = name === undefined ? {} : { "org.opencontainers.image.ref.name": name };
    this.listed.push({ ...descriptor, annotations: { ...descriptor.annotations, ...annotations } });
  }

  without(digest: string): void {
    this.blobs.delete(digest.slice("sha256:".length));
  }

  /** The files of the layout. @param prefix stands before each name */
  entries(prefix = ""): Entry[] {
    const blobs = [...this.blobs].map(([hex, bytes]): Entry => [{ name: `${prefix}blobs/sha256/${hex}` }, bytes]);
    const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests: this.listed });
    return [
      [{ name: `${prefix}oci-layout` }, '{"imageLayoutVersion":"1.0.0"}'],
      ...blobs,
      [{ name: `${prefix}index.json` }, index],
    ];
  }

  archive(prefix = ""): Promise<Buffer> {
    return tarOf(this.entries(prefix));
  }
}

/** A layer of one file. */
export const layerTar = (name: string, content = name): Promise<Buffer> =>
  tarOf([[{ name, mtime: new Date(1_600_000_000_000) }, content]]);

/** An archive of `multi:1` for amd64, arm64/v8 and arm/v7, with an attestation; two layers each, the lower one shared. */
export async function multiPlatform(
  options: { compress?: (tar: Buffer) => Buffer; name?: string } = {},
): Promise<{ layout: LayoutMaker; images: Record<string, MadeImage>; index: MadeDescriptor }> {
  const layout = new LayoutMaker();
  const shared = await layerTar("shared", "for all");
  const images: Record<string, MadeImage> = {};
  for (const platform of ["linux/arm64/v8", "linux/amd64", "linux/arm/v7"]) {
    images[platform] = layout.image(platform, [shared, await layerTar("own", platform)], options);
  }
  const attestation = layout.attestation(images["linux/amd64"]!);
  const index = layout.index([...Object.values(images).map(({ manifest }) => manifest), attestation]);
  layout.list(index, options.name ?? "multi:1");
  return { layout, images, index };
}
