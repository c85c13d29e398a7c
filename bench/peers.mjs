// How each peer is started on a store of its own; a peer that is not installed is left out.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { has, must, shell } from "./measure.mjs";

export const GANTRY = join(dirname(fileURLToPath(import.meta.url)), "..", "dist", "gantry");
export const dockerClient = ["/usr/bin/docker", "/usr/local/bin/docker"].find((path) => existsSync(path)) ?? "docker";

export function startDocker(disk) {
  const at = join(disk, "docker");
  mkdirSync(at);
  const daemon = spawn(
    "dockerd",
    [
      "--data-root",
      `${at}/root`,
      "--exec-root",
      `${at}/exec`,
      "-H",
      `unix://${at}/sock`,
      "--pidfile",
      `${at}/pid`,
      "--bridge=none",
      "--iptables=false",
    ],
    {
      stdio: "ignore",
      detached: true,
    },
  );
  const docker = `${dockerClient} -H unix://${at}/sock`;
  must(`for i in $(seq 200); do ${docker} version >/dev/null 2>&1 && exit 0; sleep .05; done; exit 1`);
  return { daemon, docker, pid: () => Number(readFileSync(`${at}/pid`, "utf8")) };
}

export function stopDocker(context) {
  if (context?.daemon === undefined) return;
  process.kill(context.daemon.pid, "SIGTERM");
  shell(`for i in $(seq 200); do kill -0 ${context.daemon.pid} 2>/dev/null || exit 0; sleep .05; done`);
}

const storageFlags = (disk) => `--root ${disk}/storage --runroot ${disk}/storage-run --storage-driver overlay`;
const podman = (disk) =>
  `podman --log-level=error ${storageFlags(disk)} --cgroup-manager=cgroupfs --events-backend=file --runtime runc`;

/** Where skopeo finds podman's and buildah's images. */
export const containersStorage = (disk, name) =>
  `'containers-storage:[overlay@${disk}/storage+${disk}/storage-run]${name}'`;

/** { name, available, prepare, daemon, cleanup } of each tool; `cli(context, disk)` is the command's beginning. */
export const tools = {
  gantry: { available: true, cli: (_, disk) => `${GANTRY} --root ${disk}/gantry` },
  docker: {
    available: has("dockerd"),
    prepare: startDocker,
    daemon: (context) => context.pid(),
    cleanup: stopDocker,
    cli: (context) => context.docker,
  },
  podman: { available: has("podman"), cli: (_, disk) => podman(disk) },
  skopeo: { available: has("skopeo"), cli: () => "skopeo --insecure-policy" },
  buildah: { available: has("buildah"), cli: (_, disk) => `buildah ${storageFlags(disk)}` },
  umoci: { available: has("umoci"), cli: () => "umoci" },
  node: { available: true, cli: () => "node" },
};

/**
 * A contender for measure.mjs `compare`: `setup` runs untimed with the tool's command line, `command` is timed. `aside`:
 * does less than the others, so it is shown and does not count as a peer.
 */
function contender(tool, { label, setup, command, aside }) {
  const { prepare, daemon, cleanup, cli } = tools[tool];
  return {
    label: label ?? tool,
    tool,
    aside,
    prepare: (disk) => {
      const context = prepare?.(disk) ?? {};
      if (setup) must(setup(cli(context, disk), disk, context));
      return context;
    },
    daemon,
    cleanup,
    command: (context, disk) => command(cli(context, disk), disk, context),
  };
}

/** PEERS="docker podman" measures beside these only. */
const wanted = process.env.PEERS?.split(" ");

/** @param entries [tool, { label?, setup?, command, aside? }] pairs; those whose tool is not installed are left out */
export const available = (entries) =>
  entries
    .filter(([tool]) => tools[tool].available && (tool === "gantry" || wanted === undefined || wanted.includes(tool)))
    .map(([tool, spec]) => contender(tool, spec));
