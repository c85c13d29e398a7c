import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, openSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { linkDescriptor } from "../bridge/index.ts";

/** O_TMPFILE of open(2), which node does not name: a file without a name, gone with its last descriptor. */
const UNNAMED = 0o20000000 | constants.O_DIRECTORY;

/**
 * A file in the making, which appears under its name when it is finished, whole, or never. Where the file system can do
 * that it has no name until then, so that not even a kill leaves it behind.
 */
export class UnfinishedFile {
  #open = true;

  private constructor(
    readonly fd: number,
    private readonly path: string,
    /** Its name until it is finished; undefined where it has none. */
    private readonly hidden: string | undefined,
  ) {}

  /**
   * Starts a file that will be `path`, in an existing directory; `mode` is subject to the umask.
   * @throws Node's error of open(2); fileError (src/errors/file-error.ts) puts it into gantry's terms
   */
  static create(path: string, mode: number): UnfinishedFile {
    if (existsSync("/proc/self/fd")) {
      try {
        return new UnfinishedFile(openSync(dirname(path), UNNAMED | constants.O_RDWR, mode), path, undefined);
      } catch (error) {
        // Older kernels and file systems without O_TMPFILE open the directory, and may not write to it.
        if (!["EOPNOTSUPP", "EISDIR", "EINVAL", "ENOENT"].includes((error as NodeJS.ErrnoException).code ?? ""))
          throw error;
      }
    }
    const hidden = hiddenName(path);
    return new UnfinishedFile(openSync(hidden, "wx+", mode), path, hidden);
  }

  /** Closes the file and gives it its name, replacing what has it. */
  finish(): void {
    const temporary = this.hidden ?? hiddenName(this.path);
    try {
      if (this.hidden === undefined) {
        if (linkDescriptor(this.fd, this.path)) return;
        // linkat(2) does not replace; rename(2) does, in one step.
        linkDescriptor(this.fd, temporary);
      }
      renameSync(temporary, this.path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    } finally {
      this.#close();
    }
  }

  /** Leaves nothing. Idempotent, and without effect on a finished file. */
  discard(): void {
    if (!this.#open) return;
    this.#close();
    if (this.hidden !== undefined) rmSync(this.hidden, { force: true });
  }

  #close(): void {
    if (this.#open) closeSync(this.fd);
    this.#open = false;
  }
}

/** A name beside `path` that nobody lists by accident. */
function hiddenName(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 200)}.${randomBytes(6).toString("hex")}`);
}
