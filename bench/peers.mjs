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

const podman = (disk) =>
  `podman --log-level=error --root ${disk}/podman --runroot ${disk}/podman-run --cgroup-manager=cgroupfs --events-backend=file --storage-driver overlay --runtime runc`;

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
};

/** A contender for measure.mjs `compare`: `setup` runs untimed with the tool's command line, `command` is timed. */
export function contender(toolName, label, { setup, command }) {
  const tool = tools[toolName];
  return {
    label,
    prepare: (disk) => {
      const context = tool.prepare?.(disk) ?? {};
      if (setup) must(setup(tool.cli(context, disk), disk, context));
      return context;
    },
    daemon: tool.daemon,
    cleanup: tool.cleanup,
    command: (context, disk) => command(tool.cli(context, disk), disk, context),
  };
}

export const available = (contenders) =>
  contenders.filter(([name]) => tools[name].available).map(([name, label, spec]) => contender(name, label, spec));
