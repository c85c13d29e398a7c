import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { historyListing } from "../../../src/cli/commands/image/history.ts";
import { imageListing, type ImageRow } from "../../../src/cli/commands/image/image-listing.ts";
import { inspectionRenderer } from "../../../src/cli/format/inspected.ts";
import { renderListing } from "../../../src/cli/format/listing.ts";
import type { Digest, Image } from "../../../src/image/types.ts";

/*
 * The real docker client formats what a server of ours tells it; gantry must format the same facts to the same bytes.
 */

const hasDocker = spawnSync("docker", ["--version"]).status === 0;
if (!hasDocker) process.stderr.write("skipped: comparing with the docker client, which is not installed\n");

const DAY = 86_400;
const now = Math.floor(Date.now() / 1000);
const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;

const IMAGES = [
  { id: digest("a"), repository: "busybox", tag: "latest", digest: digest("1"), created: now - 7300, size: 4_261_574 },
  {
    id: digest("b"),
    repository: "<none>",
    tag: "<none>",
    digest: "<none>",
    created: now - 20 * DAY,
    size: 1_240_000_000,
  },
  {
    id: digest("c"),
    repository: "registry.example.com:5000/a/long/name",
    tag: "v1",
    digest: digest("2"),
    created: now - 400 * DAY,
    size: 0,
  },
  { id: digest("d"), repository: "old", tag: "1", digest: digest("3"), created: 0, size: 999 },
  {
    id: digest("e"),
    repository: "timeless",
    tag: "1",
    digest: digest("4"),
    created: -62_135_596_800,
    size: 123_456_789,
  },
];
const STEPS = [
  {
    id: digest("a"),
    created: now - 100,
    by: '/bin/sh -c #(nop)  CMD ["sh"] and a long tail\tof words',
    size: 0,
    comment: "buildkit",
  },
  { id: "<missing>" as const, created: 0, by: "ADD <file> in / ", size: 4_261_574, comment: "" },
  { id: "<missing>" as const, created: -62_135_596_800, by: "é".repeat(60), size: 1_234_567_890, comment: "" },
];
const INSPECTED = {
  Id: digest("a"),
  RepoTags: ["busybox:latest"],
  RepoDigests: [],
  Created: "2024-09-26T21:31:42Z",
  Config: {
    User: "",
    ExposedPorts: { "80/tcp": {} },
    Env: ["PATH=/bin", "A=<&>"],
    Cmd: ["sh"],
    Volumes: null,
    Entrypoint: null,
    Labels: { a: "<1>", b: "2" },
  },
  Architecture: "amd64",
  Os: "linux",
  Size: 4_261_574,
  GraphDriver: { Data: { UpperDir: "/x" }, Name: "overlay2" },
  RootFS: { Type: "layers", Layers: [digest("1"), digest("2")] },
};

const iso = (seconds: number): string =>
  seconds < -6e10 ? "0001-01-01T00:00:00Z" : new Date(seconds * 1000).toISOString();

function dockerImages(): object[] {
  return IMAGES.map((image) => ({
    Id: image.id,
    RepoTags: image.tag === "<none>" ? [] : [`${image.repository}:${image.tag}`],
    RepoDigests: image.tag === "<none>" ? [] : [`${image.repository}@${image.digest}`],
    Created: image.created,
    Size: image.size,
    SharedSize: -1,
    Containers: -1,
  }));
}

const rows: ImageRow[] = IMAGES.map((image) => ({
  image: { id: image.id, created: iso(image.created), sizeBytes: image.size } as unknown as Image,
  repository: image.repository,
  tag: image.tag,
  digest: image.digest,
}));
const steps = STEPS.map(({ id, created, by, size, comment }) => ({
  id,
  created: iso(created),
  createdBy: by,
  sizeBytes: size,
  comment,
  tags: [],
}));

let directory: string;
let server: Server;

beforeAll(async () => {
  if (!hasDocker) return;
  directory = mkdtempSync(join(tmpdir(), "gantry-docker-client-"));
  server = createServer((request, response) => {
    const path = (request.url ?? "").replace(/^\/v[\d.]+/, "");
    const answer = path.startsWith("/images/json")
      ? dockerImages()
      : path.includes("/history")
        ? STEPS.map(({ id, created, by, size, comment }) => ({
            Id: id,
            Created: created,
            CreatedBy: by,
            Size: size,
            Comment: comment,
          }))
        : path === "/_ping"
          ? "OK"
          : INSPECTED;
    response.writeHead(200, { "content-type": "application/json", "Api-Version": "1.45", Ostype: "linux" });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => void server.listen(join(directory, "s"), resolve));
});
afterAll(() => {
  if (!hasDocker) return;
  server.close();
  rmSync(directory, { recursive: true });
});

async function docker(...words: string[]): Promise<string> {
  return await new Promise((resolve, reject) => {
    execFile(
      "docker",
      words,
      { env: { ...process.env, DOCKER_HOST: `unix://${directory}/s` } },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(stderr));
      },
    );
  });
}

const TEMPLATES = [
  "table",
  "json",
  "{{.Repository}}:{{.Tag}} {{.ID}}",
  "table {{.ID}}\\t{{.Repository}}:{{.Tag}}\\t{{json .Size}}",
  "table {{upper .ID}}|{{.CreatedAt}}|{{.CreatedSince}}",
  "{{json .}}",
  '{{if eq .Tag "<none>"}}dangling{{else}}{{.Repository | printf "%-20s|"}}{{end}}',
  "{{.VirtualSize}} {{.Containers}} {{.Digest}}",
];

describe.skipIf(!hasDocker)("images prints what docker prints", () => {
  it.each([[[]], [["--no-trunc"]], [["-q"]], [["-q", "--no-trunc"]], [["--digests"]]])(
    "with %j",
    async (flags: string[]) => {
      const options = {
        noTrunc: flags.includes("--no-trunc"),
        digests: flags.includes("--digests"),
        nowMs: now * 1000,
      };
      const text = await renderListing(imageListing(options), rows, { format: "", quiet: flags.includes("-q") });
      expect(text).toBe(await docker("images", ...flags));
    },
  );

  it.each(TEMPLATES)("with --format %j", async (format) => {
    // Docker knows digests in a listing only with --digests.
    const shown = rows.map((row) => ({ ...row, digest: "<none>" }));
    const listing = imageListing({ noTrunc: false, digests: false, nowMs: now * 1000 });
    const wanted = await docker("images", "--format", format);
    expect(await renderListing(listing, format.includes(".Digest") ? rows : shown, { format })).toBe(wanted);
  });
});

describe.skipIf(!hasDocker)("history prints what docker prints", () => {
  it.each([
    [[]],
    [["--no-trunc"]],
    [["-H=false"]],
    [["-q"]],
    [["--format", "json"]],
    [["--format", "{{.ID}} {{.CreatedBy}} {{.Size}}"]],
  ])("with %j", async (flags: string[]) => {
    const options = { noTrunc: flags.includes("--no-trunc"), human: !flags.includes("-H=false"), nowMs: now * 1000 };
    const format = flags[0] === "--format" ? flags[1]! : "";
    const text = await renderListing(historyListing(options), steps, { format, quiet: flags.includes("-q") });
    expect(text).toBe(await docker("history", ...flags, "busybox"));
  });
});

describe.skipIf(!hasDocker)("image inspect prints what docker prints", () => {
  it.each([
    "",
    "json",
    "{{.RootFS.Layers}}",
    "{{json .Config.Labels}}",
    "{{.Id}} {{.Size}} {{.Os}}/{{.Architecture}}",
    "{{index .RepoTags 0}}",
    "{{range .Config.Env}}{{println .}}{{end}}",
    "{{.Config.Entrypoint}}|{{.Config.Volumes}}|{{.Config.ExposedPorts}}|{{json .Config.Entrypoint}}",
    '{{.Config.Labels.none}}|{{index .Config.Labels "none"}}|{{index .Config.Labels "a"}}',
    '{{len .RootFS.Layers}} {{join .Config.Env ","}} {{(index .GraphDriver.Data "UpperDir")}}',
    "{{with .GraphDriver}}{{.Name}}{{end}}",
  ])("with --format %j", async (format) => {
    const wanted = await docker("image", "inspect", ...(format === "" ? [] : ["--format", format]), "busybox");
    expect((await inspectionRenderer(format))([INSPECTED])).toBe(wanted);
  });
});
