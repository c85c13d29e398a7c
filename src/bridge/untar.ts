import { type CopyOwner, ownerFields } from "./copy-tree.ts";
import type { PathLike } from "./message.ts";
import { call, request } from "./native.ts";
import { OPERATION } from "./operation.ts";

/**
 * Unpacks a tar into a directory as it arrives. Names are found as a process whose root is `root` finds them: symbolic
 * links, those of the tar too, lead on inside of it; a name that climbs out of the destination is refused. Missing parents
 * are made (0755). A directory joins one that is there, anything else replaces a file that is there, no kind replaces the
 * other; times of directories are set at the end.
 *
 * Every method throws SYSTEM_CALL_FAILED, NO_SPACE or PERMISSION; after that, only `abandon` may be called.
 */
export class Untar {
  readonly #handle: number;
  #offset = 0;
  #open = true;

  /**
   * @param root a directory's descriptor, needed by this call only
   * @param destination a path in it, of a directory
   */
  constructor(root: number, destination: PathLike, owner: CopyOwner) {
    const fields = request().fd("root", root).text("destination", destination);
    this.#handle = call(OPERATION.untarBegin, ownerFields(fields, owner)).result;
  }

  /**
   * Takes the next bytes of the tar.
   * @param records those of the entries whose headers end in these bytes (`TarScanner.takeRecords`)
   */
  push(records: Uint8Array, bytes: Uint8Array): void {
    const fields = request().u64("handle", this.#handle).u64("offset", this.#offset).bytes("records", records);
    this.#open = false;
    call(OPERATION.untarPush, fields, { data: bytes });
    this.#open = true;
    this.#offset += bytes.length;
  }

  /** All entries are in place; returns their number. */
  finish(): number {
    this.#open = false;
    return call(OPERATION.untarFinish, request().u64("handle", this.#handle)).result;
  }

  /** Removes the file that is not whole yet. Idempotent; does nothing after `finish`. */
  abandon(): void {
    if (!this.#open) return;
    this.#open = false;
    call(OPERATION.untarAbandon, request().u64("handle", this.#handle));
  }
}
