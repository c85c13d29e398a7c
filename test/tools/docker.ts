import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const CLIENTS = ["/usr/bin/docker", "/usr/local/bin/docker"];

/** A Docker Engine on a socket and data root of its own, without any network. */
export class PrivateDocker {
  readonly #daemon: ChildProcess;
  readonly #work: string;
  readonly #client: string;

  private constructor(daemon: ChildProcess, work: string, client: string) {
    this.#daemon = daemon;
    this.#work = work;
    this.#client = client;
  }

  static async start(): Promise<PrivateDocker> {
    const client = CLIENTS.find((path) => existsSync(path)) ?? "docker";
    const work = mkdtempSync(join(tmpdir(), "gantry-dockerd-"));
    const at = (name: string): string => join(work, name);
    // In a mount namespace of its own: other tests compare the host's mount table meanwhile.
    const daemon = spawn(
      "unshare",
      [
        "-m",
        "dockerd",
        "--data-root",
        at("root"),
        "--exec-root",
        at("exec"),
        "-H",
        `unix://${at("sock")}`,
        "--pidfile",
        at("pid"),
        "--bridge=none",
        "--iptables=false",
      ],
      { stdio: "ignore" },
    );
    const docker = new PrivateDocker(daemon, work, client);
    for (let attempt = 0; attempt < 300; attempt++) {
      if (docker.try(["version"]).status === 0) return docker;
      await sleep(100);
    }
    await docker.stop();
    throw new Error("dockerd did not answer within 30 s");
  }

  try(args: readonly string[], input: Buffer | string = ""): ReturnType<typeof spawnSync> {
    return spawnSync(this.#client, ["-H", `unix://${join(this.#work, "sock")}`, ...args], {
      input,
      maxBuffer: 1 << 30,
    });
  }

  /** Runs docker, expects success, returns the bytes of standard output. */
  bytes(...args: string[]): Buffer {
    const result = this.try(args);
    if (result.status !== 0) throw new Error(`docker ${args.join(" ")}: ${result.stderr.toString()}`);
    return result.stdout as Buffer;
  }

  run(...args: string[]): string {
    return this.bytes(...args)
      .toString()
      .trimEnd();
  }

  /** What `docker export` shows of a fresh container of the image, written to a file. */
  exportImage(image: string, file: string): string {
    const id = this.run("create", image, "true");
    try {
      this.run("export", "-o", file, id);
      return file;
    } finally {
      this.run("rm", id);
    }
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#daemon.once("exit", resolve));
    this.#daemon.kill("SIGTERM");
    await Promise.race([ended, sleep(15_000)]);
    rmSync(this.#work, { recursive: true, force: true });
  }
}
