import { randomBytes } from "../store/random-bytes.ts";
import { existsSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { GantryError } from "../errors/index.ts";
import type { StoreLayout } from "../store/layout.ts";
import type { Store } from "../store/store.ts";
import { ADJECTIVES, SURNAMES } from "./name-words.ts";

/** What Docker accepts as a container's name. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;

/**
 * Checks a name that a user gave; a leading slash, as the API writes names, is dropped.
 * @throws CONTAINER_NAME_INVALID
 */
export function validContainerName(given: string): string {
  const name = given.startsWith("/") ? given.slice(1) : given;
  if (NAME.test(name) && name.length <= 255) return name;
  throw new GantryError(
    "CONTAINER_NAME_INVALID",
    `Invalid container name (${given}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    { details: { name: given } },
  );
}

/** The id that a name belongs to, undefined if it is free. */
export function idOfName(layout: StoreLayout, name: string): string | undefined {
  try {
    return readlinkSync(layout.containerName(name));
  } catch {
    return undefined;
  }
}

/** Every name and the id that it belongs to. */
export function containerNames(layout: StoreLayout): Map<string, string> {
  const names = new Map<string, string>();
  let links: string[];
  try {
    links = readdirSync(layout.containerNamesDir());
  } catch {
    return names;
  }
  for (const name of links) {
    const id = idOfName(layout, name);
    if (id !== undefined) names.set(name, id);
  }
  return names;
}

/**
 * Claims a name for a container by creating its link: atomic, so of two that try one wins. The container must be in the
 * making already, as `<scratch>/<id>` or in its place: a link to a container that is in neither is somebody's who was
 * killed half-way, and is replaced.
 *
 * @throws CONTAINER_NAME_IN_USE
 */
export async function claimName(store: Store, name: string, id: string): Promise<void> {
  const { layout } = store;
  if (tryClaim(layout, name, id)) return;
  const holder = idOfName(layout, name);
  if (holder !== undefined && existsSync(layout.container(holder))) throw nameInUse(name, holder);
  // Links are taken away from the dead under the lock, so that nobody takes one from its next owner.
  await store.exclusively(() => {
    const now = idOfName(layout, name);
    if (now !== undefined && isAbandoned(layout, now)) unlinkSync(layout.containerName(name));
    if (!tryClaim(layout, name, id)) throw nameInUse(name, idOfName(layout, name));
  });
}

/** Claims a random name, `brisk_noether` for example. */
export function claimRandomName(layout: StoreLayout, id: string): string {
  for (let attempt = 0; ; attempt++) {
    const name = randomName(attempt);
    if (tryClaim(layout, name, id)) return name;
  }
}

/** Frees a name if it still belongs to this container. Idempotent. */
export function releaseName(layout: StoreLayout, name: string, id: string): void {
  if (idOfName(layout, name) !== id) return;
  try {
    unlinkSync(layout.containerName(name));
  } catch {
    // gone already: the shim of an auto-removed container frees its name, too
  }
}

/** Whether a container neither is nor is being made. Looks in the order in which one moves: from scratch to its place. */
function isAbandoned(layout: StoreLayout, id: string): boolean {
  const makers = readdirSync(layout.tmpDir());
  return !makers.some((maker) => existsSync(join(layout.tmpDir(), maker, id))) && !existsSync(layout.container(id));
}

function nameInUse(name: string, holder: string | undefined): GantryError {
  return new GantryError(
    "CONTAINER_NAME_IN_USE",
    `Conflict. The container name "/${name}" is already in use by container "${holder ?? "unknown"}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.",
    { details: { name, holder } },
  );
}

function tryClaim(layout: StoreLayout, name: string, id: string): boolean {
  for (;;) {
    try {
      symlinkSync(id, layout.containerName(name));
      return true;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EEXIST") return false;
      if (code !== "ENOENT") throw error;
      mkdirSync(layout.containerNamesDir(), { recursive: true, mode: 0o700 });
    }
  }
}

function randomName(attempt: number): string {
  const bytes = randomBytes(6);
  const name = `${pick(ADJECTIVES, bytes.readUInt16LE(0))}_${pick(SURNAMES, bytes.readUInt16LE(2))}`;
  return attempt < 3 ? name : `${name}${bytes.readUInt16LE(4)}`;
}

function pick(words: readonly string[], random: number): string {
  return words[random % words.length] as string;
}
