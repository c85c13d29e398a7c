import { createHash } from "node:crypto";
import { pack, type Header } from "tar-stream";

export type Entry = readonly [Partial<Header> & { name: string }, (Buffer | string)?];

/** A tar of the entries, whole in memory. */
export async function tarOf(entries: readonly Entry[]): Promise<Buffer> {
  const stream = pack();
  for (const [header, content] of entries) {
    if (content === undefined) stream.entry(header);
    else stream.entry(header, content);
  }
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export const sha256 = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

export interface ArchiveOptions {
  tag?: string;
  /** Replaces what the config says the layers' digests are. */
  diffIds?: string[];
  manifest?: string;
  /** Leaves these layers' members out of the archive. */
  without?: number[];
}

/** A docker-archive of the given layer tars, in the layout of Docker before 25. */
export async function dockerArchive(layers: readonly Buffer[], options: ArchiveOptions = {}): Promise<Buffer> {
  const digests = layers.map(sha256);
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: "2020-02-02T02:02:02Z",
    config: { Cmd: ["sh"] },
    rootfs: { type: "layers", diff_ids: (options.diffIds ?? digests).map((hex) => `sha256:${hex}`) },
    history: layers.map((_, n) => ({ created: "2020-02-02T02:02:02Z", created_by: `layer ${n}` })),
  });
  const name = `${sha256(config)}.json`;
  const manifest =
    options.manifest ??
    JSON.stringify([
      { Config: name, RepoTags: [options.tag ?? "made:1"], Layers: digests.map((hex) => `${hex}/layer.tar`) },
    ]);
  const members: Entry[] = layers.map((bytes, n) => [{ name: `${digests[n]!}/layer.tar` }, bytes] as const);
  return tarOf([
    ...members.filter((_, n) => options.without?.includes(n) !== true),
    [{ name }, config],
    [{ name: "manifest.json" }, manifest],
  ]);
}

/** Changes a tar header in place and sets its checksum right again. */
export function editHeader(tar: Buffer, offset: number, edit: (header: Buffer) => void): Buffer {
  const copy = Buffer.from(tar);
  const header = copy.subarray(offset, offset + 512);
  edit(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}
