import type { PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

export interface SpawnOptions {
  /** Makes a socketpair: one end is the program's descriptor 4, the other is `attachFd`. Default false. */
  attach?: boolean;
  /** Becomes the program's stderr. Default /dev/null. */
  stderrFd?: number;
}

export interface DetachedProcess {
  /** Its parent is init (or the nearest subreaper): never to be waited for here. */
  pid: number;
  /** The read end of the program's descriptor 3; at its end when the program has closed it or died. The caller closes it. */
  readyFd: number;
  /** With `attach`: a connected unix stream socket. The caller closes it. */
  attachFd?: number;
}

/**
 * Starts a program that outlives this one, in about 1 ms whatever the size of this process (clone with CLONE_VM and
 * CLONE_VFORK; nothing is copied). In the program: a session of its own, working directory /, stdin and stdout
 * /dev/null, 3 the write end of the ready pipe, 4 the attach connection, every other descriptor closed, signal handlers
 * and mask at their defaults. It is a grandchild whose parent has ended, so it becomes no zombie of ours.
 *
 * @param argv as the program sees it, argv[0] included
 * @param env the whole environment, `NAME=value`
 * @throws SYSTEM_CALL_FAILED, with step `execve` if the program cannot be started
 */
export function spawnDetached(
  path: PathLike,
  argv: readonly PathLike[],
  env: readonly PathLike[],
  options: SpawnOptions = {},
): DetachedProcess {
  const { stderrFd } = options;
  const fields = request()
    .text("path", path)
    .texts("argv", argv)
    .texts("env", env)
    .bool("attach", options.attach ?? false)
    .bool("hasStderr", stderrFd !== undefined);
  if (stderrFd !== undefined) fields.fd("stderrFd", stderrFd);
  const { result: pid, reply } = call(OPERATION.spawnDetached, fields);
  const readyFd = reply.u32();
  return options.attach === true ? { pid, readyFd, attachFd: reply.u32() } : { pid, readyFd };
}
