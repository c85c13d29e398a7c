import { existsSync, mkdirSync, renameSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Reporter } from "../../events/progress.ts";
import { digestHex } from "../../image/digest.ts";
import type { Digest } from "../../image/types.ts";
import { fsyncDirectory } from "../../store/durable.ts";
import type { ImageRecord } from "../../store/image-records.ts";
import type { StoreLayout } from "../../store/layout.ts";
import type { Problem } from "./finding.ts";
import { StoreNeeds } from "./store-needs.ts";

/** What all checks of one pass share. */
export class Checkup {
  readonly problems: Problem[] = [];
  readonly needs = new StoreNeeds();
  /** The records as far as they can be read. */
  records: ImageRecord[] = [];

  /**
   * @param scratch this check's own directory in tmp/
   * @param quarantine where damaged and unknown files are moved to, made at need
   */
  constructor(
    readonly layout: StoreLayout,
    readonly scratch: string,
    readonly quarantine: string,
    readonly reporter: Reporter,
  ) {}

  add(problem: Omit<Problem, "repairable">): void {
    this.problems.push({ ...problem, repairable: problem.repair !== undefined });
  }

  /** Moves a file or directory of the store aside, under its own path; durable. */
  setAside(path: string): void {
    const within = relative(this.layout.root, path);
    let to = join(this.quarantine, within);
    for (let n = 1; existsSync(to); n++) to = join(this.quarantine, `${within}.${n}`);
    mkdirSync(dirname(to), { recursive: true, mode: 0o700 });
    renameSync(path, to);
    fsyncDirectory(dirname(to));
    fsyncDirectory(dirname(path));
  }
}

/** `layer 0123456789ab`. */
export function shortDigest(kind: string, digest: Digest): string {
  return `${kind} ${digestHex(digest).slice(0, 12)}`;
}

/** Why a file cannot be read, in the system's words. */
export function readFailure(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
