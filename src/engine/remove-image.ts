import { GantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { familiarReference } from "../image/reference.ts";
import type { Digest, Image } from "../image/types.ts";
import { imageUsers } from "../store/image-users.ts";
import type { Store } from "../store/store.ts";

export interface RemoveImageOptions {
  /** Remove by id although the image has several names, or although a stopped container uses it. */
  force?: boolean;
}

export interface RemovedImage {
  /** Names that went, familiar form, in the order of Docker's `Untagged:` lines. */
  untagged: string[];
  /** The image's id and the layers that nothing else needed, top first: Docker's `Deleted:` lines. */
  deleted: Digest[];
  freedBytes: number;
}

/**
 * Removes a name or an image by Docker's rules: a name of several is only taken away; the last name, or an id, removes
 * the image; an id with several names needs `force`; an image that a container uses needs `force`, and one that a
 * running container uses is never removed.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, IMAGE_IN_USE
 */
export async function removeImage(
  store: Store,
  reference: string,
  options: RemoveImageOptions = {},
): Promise<RemovedImage> {
  const force = options.force === true;
  // One lock over looking and removing: no name may come, and no container, in between.
  return await store.exclusively(async () => {
    const { image, name, platforms, index } = store.resolveNamed(reference);
    if (name !== undefined || index !== undefined) {
      return await removeNamed(store, reference, { platforms, name, force });
    }
    if (inSeveralRepositories(image.names) && !force) throw severalNames(image, image.names);
    refuseInUse(store, image, reference, force);
    const { layers, bytes } = await store.removeImage(image.id);
    const shared = new Set(store.images().flatMap((other) => other.names));
    return {
      untagged: image.names.filter((full) => !shared.has(full)).map(familiarReference),
      deleted: [image.id, ...layers.reverse()],
      freedBytes: bytes,
    };
  });
}

/** Takes a name, or all names that mean an index, from the platforms that have it; those left without a name go. */
async function removeNamed(
  store: Store,
  reference: string,
  { platforms, name, force }: { platforms: Image[]; name: string | undefined; force: boolean },
): Promise<RemovedImage> {
  const gone = name === undefined ? meantNames(platforms) : [name];
  const [first] = platforms;
  if (name === undefined && first !== undefined && inSeveralRepositories(gone) && !force)
    throw severalNames(first, gone);
  const ending = platforms.filter((image) => image.names.every((other) => gone.includes(other)));
  for (const image of ending) refuseInUse(store, image, reference, force);
  const { layers, bytes } =
    ending.length === 0 ? { layers: [], bytes: 0 } : await store.removeImage(ending.map(({ id }) => id));
  const left = new Set(store.images().flatMap((image) => image.names));
  for (const full of gone) if (left.has(full)) await store.untag(full);
  const deleted = [...ending.map(({ id }) => id), ...layers.reverse()];
  return { untagged: gone.map(familiarReference), deleted, freedBytes: bytes };
}

function meantNames(platforms: Image[]): string[] {
  const digest = platforms[0]?.index?.digest;
  const meant = platforms.flatMap(({ indexes }) => indexes.filter(({ descriptor }) => descriptor.digest === digest));
  return [...new Set(meant.flatMap((index) => index.names))].sort();
}

function inSeveralRepositories(names: string[]): boolean {
  return new Set(names.map((full) => full.slice(0, full.lastIndexOf(":")))).size > 1;
}

function severalNames(image: Image, names: string[]): GantryError {
  return new GantryError(
    "IMAGE_IN_USE",
    `unable to delete ${digestHex(image.id).slice(0, 12)} (must be forced) - image is referenced in multiple repositories`,
    { remedy: "Remove its names one by one, or use --force.", details: { names } },
  );
}

function refuseInUse(store: Store, image: Image, reference: string, force: boolean): void {
  const users = imageUsers(store.layout, image.id);
  const user = users.find((candidate) => candidate.running) ?? users[0];
  if (user === undefined || (force && !user.running)) return;
  const what = `container ${user.id.slice(0, 12)} is using its referenced image ${digestHex(image.id).slice(0, 12)}`;
  throw new GantryError(
    "IMAGE_IN_USE",
    user.running
      ? `unable to remove image ${JSON.stringify(reference)} (cannot be forced): running ${what}`
      : `unable to remove image ${JSON.stringify(reference)} (must be forced): stopped ${what}`,
    {
      remedy: user.running ? "Stop and remove the container first." : "Remove the container first, or use --force.",
      details: { containers: users.map((candidate) => candidate.id) },
    },
  );
}
