import { GantryError } from "../errors/index.ts";
import type { Platform, RunConfig } from "../image/types.ts";
import type { ContainerConfig, HostConfig } from "./container-record.ts";
import { shortId } from "./container-id.ts";

/** What the user asks for in `create` and `run`; what is undefined comes from the image. */
export interface ContainerRequest {
  /** As the user wrote it. */
  image: string;
  /** Which of a multi-platform image's, exactly; else the one that suits this machine best. */
  platform?: Platform;
  command: readonly string[];
  /** Empty text: no entry point, not the image's either. */
  entrypoint?: string;
  name?: string;
  /** `NAME=value`; a bare `NAME` takes the image's away. */
  env?: readonly string[];
  labels?: Readonly<Record<string, string>>;
  user?: string;
  workdir?: string;
  hostname?: string;
  domainname?: string;
  tty?: boolean;
  openStdin?: boolean;
  /** Which streams a foreground client attaches. */
  attach?: { stdin: boolean; stdout: boolean; stderr: boolean };
  stopSignal?: string;
  /** Seconds. */
  stopTimeout?: number;
  hostConfig?: Partial<HostConfig>;
}

/** Docker's `Config` of a new container, and its command line. */
export interface MergedConfig {
  config: ContainerConfig;
  args: string[];
}

/**
 * Lays the user's wishes over the image's configuration, by Docker's rules: the user's environment first, then what the
 * image has besides; labels joined; an entry point of the user's own discards the image's command as well.
 *
 * @param hostHostname for containers in the host's network, which bear its name
 * @throws CONTAINER_CONFIG_INVALID where there is no command, or the working directory is not absolute
 */
export function mergeConfig(
  image: RunConfig,
  request: ContainerRequest,
  id: string,
  hostHostname: string,
): MergedConfig {
  const { Healthcheck: _healthcheck, ArgsEscaped: _argsEscaped, Shell: _shell, ...inherited } = image;
  const command = commandOf(image, request);
  const attach = request.attach ?? { stdin: false, stdout: true, stderr: true };
  const openStdin = request.openStdin ?? false;
  const workingDir = request.workdir ?? image.WorkingDir ?? "";
  if (request.workdir !== undefined && !request.workdir.startsWith("/")) {
    throw new GantryError(
      "CONTAINER_CONFIG_INVALID",
      `the working directory '${request.workdir}' is invalid, it needs to be an absolute path`,
      { details: { workdir: request.workdir } },
    );
  }
  const hostNetwork = request.hostConfig?.NetworkMode === "host";
  const config: ContainerConfig = {
    ...inherited,
    Hostname: request.hostname ?? (hostNetwork ? hostHostname : shortId(id)),
    Domainname: request.domainname ?? "",
    User: request.user ?? image.User ?? "",
    AttachStdin: attach.stdin,
    AttachStdout: attach.stdout,
    AttachStderr: attach.stderr,
    Tty: request.tty ?? false,
    OpenStdin: openStdin,
    StdinOnce: openStdin && attach.stdin,
    Env: environmentOf(image, request),
    Cmd: command.cmd,
    Image: request.image,
    WorkingDir: workingDir,
    Entrypoint: command.entrypoint,
    Labels: { ...image.Labels, ...request.labels },
  };
  const stopSignal = request.stopSignal ?? image.StopSignal;
  if (stopSignal !== undefined) config.StopSignal = stopSignal;
  if (request.stopTimeout !== undefined) config.StopTimeout = request.stopTimeout;
  const args = [...(command.entrypoint ?? []), ...(command.cmd ?? [])];
  if (args.length === 0) {
    throw new GantryError("CONTAINER_CONFIG_INVALID", "no command specified", {
      remedy: "Name a command after the image: it has neither CMD nor ENTRYPOINT.",
      details: { image: request.image },
    });
  }
  return { config, args };
}

function commandOf(image: RunConfig, request: ContainerRequest): { entrypoint: string[] | null; cmd: string[] | null } {
  const given = request.command.length > 0 ? [...request.command] : null;
  if (request.entrypoint !== undefined) {
    return { entrypoint: request.entrypoint === "" ? null : [request.entrypoint], cmd: given };
  }
  const entrypoint = image.Entrypoint === undefined || image.Entrypoint === null ? null : [...image.Entrypoint];
  return { entrypoint, cmd: given ?? (image.Cmd ? [...image.Cmd] : null) };
}

function environmentOf(image: RunConfig, request: ContainerRequest): string[] {
  const own = new Map((request.env ?? []).map((entry) => [nameOf(entry), entry]));
  return [...own.values(), ...(image.Env ?? []).filter((entry) => !own.has(nameOf(entry)))];
}

function nameOf(entry: string): string {
  return entry.split("=", 1)[0] as string;
}
