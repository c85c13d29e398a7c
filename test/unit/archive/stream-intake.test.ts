import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { download } from "../../../src/archive/download.ts";
import { takeStream } from "../../../src/archive/stream-intake.ts";
import { SILENT_REPORTER } from "../../../src/events/progress.ts";
import { Random } from "../../oracles/random.ts";
import { buildTar } from "../../suites/tar-builder.ts";

describe("a tar from a stream", () => {
  const tar = buildTar([
    { path: "etc", type: "dir" },
    { path: "etc/a", type: "file", data: "a".repeat(3000) },
    { path: "etc/b", type: "hardlink", target: "etc/a" },
  ]);

  async function* pieces(bytes: Buffer, sizes: () => number): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length;) {
      const size = sizes();
      yield await Promise.resolve(bytes.subarray(at, at + size));
      at += size;
    }
  }

  it("is the same layer whatever pieces it comes in, compressed or not", async () => {
    const work = mkdtempSync(join(tmpdir(), "gantry-stream-"));
    const random = new Random(1);
    const found = new Set<string>();
    try {
      let count = 0;
      for (const bytes of [tar, gzipSync(tar), gzipSync(tar, { level: 1 })]) {
        for (const most of [1, 7, 511, 512, 513, 100_000]) {
          const scratch = mkdtempSync(join(work, `${count++}-`));
          const chunks = pieces(bytes, () => 1 + random.below(most));
          const taken = await takeStream(
            { label: "test", totalBytes: undefined, chunks, close: () => undefined },
            scratch,
            SILENT_REPORTER,
          );
          expect(readFileSync(taken.tarFile).equals(tar)).toBe(true);
          found.add(`${taken.sha256} ${createHash("sha256").update(taken.index).digest("hex")}`);
        }
      }
      expect([...found].map((line) => line.slice(0, 64))).toEqual([createHash("sha256").update(tar).digest("hex")]);
    } finally {
      rmSync(work, { recursive: true });
    }
  });
});

it("a download that fails has a code and the status", async () => {
  const server = createServer((_request, response) => void response.writeHead(503).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { signal } = new AbortController();
  try {
    await expect(download(`http://127.0.0.1:${port}/x`, signal)).rejects.toMatchObject({
      code: "DOWNLOAD_FAILED",
      details: { status: 503 },
    });
    await expect(download("http://127.0.0.1:9999/x", signal)).rejects.toMatchObject({ code: "DOWNLOAD_FAILED" });
    await expect(download(`http://127.0.0.1:${port}/x`, AbortSignal.abort())).rejects.toMatchObject({
      code: "CANCELLED",
    });
  } finally {
    server.close();
  }
});
