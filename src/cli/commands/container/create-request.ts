import { existsSync, readFileSync } from "node:fs";
import { GantryError } from "../../../errors/index.ts";
import type { ContainerRequest } from "../../../runtime/container-config.ts";
import type { HostConfig } from "../../../runtime/container-record.ts";
import type { CommandContext } from "../../framework/context.ts";
import type { FlagValues } from "../../framework/flags.ts";
import { parseByteSize } from "../../format/byte-size.ts";
import type { CREATE_FLAGS } from "./create-flags.ts";

type CreateFlags = FlagValues<typeof CREATE_FLAGS>;

/** A command line of `create` or `run`, parsed. */
export interface CreateLine {
  readonly flags: CreateFlags;
  /** IMAGE [COMMAND] [ARG...] */
  readonly operands: readonly string[];
  readonly given: ReadonlySet<string>;
}

/**
 * What a command line of `create` or `run` asks the engine for. Reads the files that it names.
 * @throws USAGE, with Docker's words where it has some
 */
export async function createRequest(
  context: CommandContext,
  line: CreateLine,
  detached: boolean,
): Promise<ContainerRequest> {
  const { flags, operands, given } = line;
  const [image = "", ...command] = operands;
  if (flags.cidfile !== "" && existsSync(flags.cidfile)) {
    throw new GantryError(
      "USAGE",
      `container ID file found, make sure the other container isn't running or delete ${flags.cidfile}`,
    );
  }
  const request: ContainerRequest = {
    image,
    command,
    env: await environmentOf(context, flags),
    labels: labelsOf(flags),
    tty: flags.tty,
    openStdin: flags.interactive,
    attach: attachOf(flags, detached),
    hostConfig: await hostConfigOf(line),
  };
  if (given.has("entrypoint")) request.entrypoint = flags.entrypoint;
  // Docker's clients take the variable for the flag.
  const platform = flags.platform === "" ? context.environment["DOCKER_DEFAULT_PLATFORM"] : flags.platform;
  if (platform !== undefined && platform !== "") {
    request.platform = (await import("../../../image/platform.ts")).parsePlatform(platform);
  }
  if (flags.name !== "") request.name = flags.name;
  if (flags.user !== "") request.user = flags.user;
  if (flags.workdir !== "") request.workdir = flags.workdir;
  if (flags.hostname !== "") request.hostname = flags.hostname;
  if (flags.domainname !== "") request.domainname = flags.domainname;
  if (flags["stop-signal"] !== "") request.stopSignal = flags["stop-signal"];
  if (flags["stop-timeout"] !== undefined) request.stopTimeout = flags["stop-timeout"];
  return request;
}

async function environmentOf(context: CommandContext, flags: CreateFlags): Promise<string[]> {
  const entries: string[] = [];
  if (flags["env-file"].length > 0) {
    const { parseEnvFile } = await import("../../../runtime/env-file.ts");
    for (const file of flags["env-file"]) entries.push(...parseEnvFile(readText(file), file, context.environment));
  }
  for (const entry of flags.env) {
    if (entry === "" || entry.startsWith("=")) {
      throw new GantryError("USAGE", `invalid environment variable: ${JSON.stringify(entry)}`);
    }
    const value = entry.includes("=") ? undefined : context.environment[entry];
    entries.push(value === undefined ? entry : `${entry}=${value}`);
  }
  return entries;
}

function labelsOf(flags: CreateFlags): Record<string, string> {
  const fromFiles = flags["label-file"].flatMap((file) =>
    readText(file)
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("#")),
  );
  return Object.fromEntries(
    [...fromFiles, ...flags.label].map((label) => {
      const equals = label.indexOf("=");
      return equals < 0 ? [label, ""] : [label.slice(0, equals), label.slice(equals + 1)];
    }),
  );
}

function attachOf(flags: CreateFlags, detached: boolean): { stdin: boolean; stdout: boolean; stderr: boolean } {
  const named = flags.attach.map((stream) => stream.toLowerCase());
  for (const stream of named) {
    if (!["stdin", "stdout", "stderr"].includes(stream)) {
      throw new GantryError("USAGE", "valid streams are STDIN, STDOUT and STDERR", { details: { stream } });
    }
  }
  if (named.length > 0) {
    return { stdin: named.includes("stdin"), stdout: named.includes("stdout"), stderr: named.includes("stderr") };
  }
  return { stdin: flags.interactive && !detached, stdout: !detached, stderr: !detached };
}

async function hostConfigOf(line: CreateLine): Promise<Partial<HostConfig>> {
  const { flags, given } = line;
  const host: Partial<HostConfig> = {};
  const network = flags.network === "" ? flags.net : flags.network;
  if (network !== "") host.NetworkMode = network;
  if (flags.cidfile !== "") host.ContainerIDFile = flags.cidfile;
  if (flags.rm) host.AutoRemove = true;
  if (flags["cap-add"].length > 0) host.CapAdd = [...flags["cap-add"]];
  if (flags["cap-drop"].length > 0) host.CapDrop = [...flags["cap-drop"]];
  if (flags["security-opt"].length > 0) host.SecurityOpt = flags["security-opt"].map(withProfileText);
  if (flags.privileged) host.Privileged = true;
  if (flags["read-only"]) host.ReadonlyRootfs = true;
  if (flags.runtime !== "") host.Runtime = flags.runtime;
  if (flags.memory !== undefined) host.Memory = flags.memory;
  if (flags["memory-reservation"] !== undefined) host.MemoryReservation = flags["memory-reservation"];
  if (flags["memory-swap"] !== "") host.MemorySwap = swapBytes(flags["memory-swap"]);
  if (flags.cpus !== undefined) host.NanoCpus = Math.round(flags.cpus * 1e9);
  if (flags["cpu-shares"] !== undefined) host.CpuShares = flags["cpu-shares"];
  if (flags["cpuset-cpus"] !== "") host.CpusetCpus = flags["cpuset-cpus"];
  if (flags["pids-limit"] !== undefined) host.PidsLimit = flags["pids-limit"];
  if (flags["shm-size"] !== undefined) host.ShmSize = flags["shm-size"];
  if (given.has("oom-score-adj")) host.OomScoreAdj = flags["oom-score-adj"] ?? 0;
  if (flags.tty) {
    const { terminalSize } = await import("./terminal-size.ts");
    const size = terminalSize();
    if (size !== undefined) host.ConsoleSize = [size.width, size.height];
  }
  return host;
}

/** `seccomp=FILE` carries the file's text from here on, as Docker's client sends it. */
function withProfileText(option: string): string {
  const file = /^seccomp[=:](.+)$/.exec(option)?.[1];
  if (file === undefined || file === "unconfined" || file === "builtin") return option;
  return `seccomp=${readText(file)}`;
}

function swapBytes(text: string): number {
  if (text === "-1") return -1;
  try {
    return parseByteSize(text);
  } catch (cause) {
    throw new GantryError("USAGE", `invalid argument ${JSON.stringify(text)} for "--memory-swap" flag`, { cause });
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new GantryError("USAGE", `open ${file}: ${(cause as NodeJS.ErrnoException).code ?? "cannot be read"}`, {
      cause,
    });
  }
}
