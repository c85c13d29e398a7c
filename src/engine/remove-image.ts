import { GantryError } from "../errors/index.ts";
import { digestHex } from "../image/digest.ts";
import { familiarReference } from "../image/reference.ts";
import type { Digest, Image, Platform } from "../image/types.ts";
import { imageUsers } from "../store/image-users.ts";
import type { Store } from "../store/store.ts";
import { imageEvent } from "./image-event.ts";
import { chainsOf, chainsInUse } from "./layer-chains.ts";

export interface RemoveImageOptions {
  /** Remove by id although the image has several names; remove although a stopped container uses it. */
  force?: boolean;
  /** Only this platform of a multi-platform image: the others keep the names. */
  platform?: Platform | undefined;
}

export interface RemovedImage {
  /** Names that went, familiar form, in the order of Docker's `Untagged:` lines. */
  untagged: string[];
  /** The image's id and the chain ids of the layers that nothing else needed, top first: Docker's `Deleted:` lines. */
  deleted: Digest[];
  /** Bytes of disk that were given back. */
  freedBytes: number;
}

/**
 * Removes a name or an image by Docker's rules:
 * - a name of several is only taken away; with the last one the image goes
 * - the last name of an image that a container uses, running or not, needs `force`; where the container runs, `force`
 *   takes the name and leaves the image
 * - an id removes image and name; with several names it needs `force`, and while a stopped container uses it, too; an image
 *   that a running container uses is never removed by id
 * - `repository@digest` removes the image's names in that repository
 * - an image that others were built on can go: layers are shared, and stay while anything needs them
 *
 * A name of a multi-platform image means all its platforms. Layers that a container stands on stay until it is removed.
 * @throws IMAGE_NOT_FOUND, IMAGE_AMBIGUOUS, IMAGE_IN_USE, PLATFORM_NOT_FOUND
 */
export async function removeImage(
  store: Store,
  reference: string,
  options: RemoveImageOptions = {},
): Promise<RemovedImage> {
  const { force = false, platform } = options;
  // One lock over looking and removing: no name may come, and no container, in between.
  return await store.exclusively(async () => {
    const { image, name, platforms, index } = store.resolveNamed(reference, { platform });
    if (platform !== undefined) return await removeById(store, image, force);
    if (name !== undefined) return await removeNames(store, { reference, platforms, names: [name], force });
    if (index !== undefined || reference.includes("@")) {
      const names = meantNames(platforms, reference);
      if (names.length > 0) return await removeNames(store, { reference, platforms, names, force });
    }
    return await removeById(store, image, force);
  });
}

interface NamesToRemove {
  reference: string;
  platforms: readonly Image[];
  names: readonly string[];
  force: boolean;
}

/** Takes names from the platforms that have them; those left without a name go, unless a running container uses them. */
async function removeNames(store: Store, { reference, platforms, names, force }: NamesToRemove): Promise<RemovedImage> {
  const ending = platforms.filter((image) => image.names.every((other) => names.includes(other)));
  if (!force) for (const image of ending) refuseLastName(store, image, reference);
  const gone = ending.filter((image) => !imageUsers(store.layout, image.id).some(({ running }) => running));
  const untagged = names.map((full) => ({ full, image: platforms.find((image) => image.names.includes(full)) }));
  return await remove(store, gone, untagged);
}

async function removeById(store: Store, image: Image, force: boolean): Promise<RemovedImage> {
  refuseById(store, image, force);
  const others = store.images().filter(({ id }) => id !== image.id);
  // A name that other platforms have as well stays theirs.
  const own = image.names.filter((full) => !others.some(({ names }) => names.includes(full)));
  return await remove(
    store,
    [image],
    own.map((full) => ({ full, image })),
  );
}

/** Removes images with what nothing else needs, and names; tells of both. */
async function remove(
  store: Store,
  gone: readonly Image[],
  untagged: readonly { full: string; image: Image | undefined }[],
): Promise<RemovedImage> {
  // Read now what the events and the chains of layers are made of: the images' configs.
  const chains = chainsOf([...gone, ...untagged.flatMap(({ image }) => image ?? [])]);
  const { bytes } = gone.length === 0 ? { bytes: 0 } : await store.removeImage(gone.map(({ id }) => id));
  const left = new Set(store.images().flatMap(({ names }) => names));
  for (const { full } of untagged) if (left.has(full)) await store.untag(full);
  for (const { full, image } of untagged) {
    if (image !== undefined) imageEvent(store.layout, image, "untag", familiarReference(full));
  }
  for (const image of gone) imageEvent(store.layout, image, "delete");
  const kept = gone.length === 0 ? undefined : chainsInUse(store);
  const layers = kept === undefined ? [] : chains.filter(({ key }) => !kept.has(key)).map((chain) => chain.id());
  return {
    untagged: untagged.map(({ full }) => familiarReference(full)),
    deleted: [...gone.map(({ id }) => id), ...layers],
    freedBytes: bytes,
  };
}

/** The names that a digest means: those of its index, and those in the repository that is given with it. */
function meantNames(platforms: readonly Image[], reference: string): string[] {
  const digest = platforms[0]?.index?.digest;
  const meant = platforms.flatMap(({ indexes, names }) => {
    const ofIndex = indexes.filter(({ descriptor }) => descriptor.digest === digest).flatMap((index) => index.names);
    return ofIndex.length > 0 ? ofIndex : names;
  });
  const repository = reference.includes("@") ? reference.slice(0, reference.indexOf("@")) : undefined;
  const inRepository = meant.filter(
    (full) =>
      repository === undefined ||
      repositoryOf(full) === repository ||
      repositoryOf(familiarReference(full)) === repository,
  );
  return [...new Set(inRepository)].sort();
}

function repositoryOf(name: string): string {
  return name.slice(0, name.lastIndexOf(":"));
}

function shortId(id: string): string {
  return id.slice(0, 12);
}

function refuseLastName(store: Store, image: Image, reference: string): void {
  const users = imageUsers(store.layout, image.id);
  const user = users.find(({ running }) => running) ?? users[0];
  if (user === undefined) return;
  throw new GantryError(
    "IMAGE_IN_USE",
    `conflict: unable to remove repository reference ${JSON.stringify(reference)} (must force) - ` +
      `container ${shortId(user.id)} is using its referenced image ${shortId(digestHex(image.id))}`,
    {
      remedy: `Remove the container first with gantry rm ${user.running ? "-f " : ""}${shortId(user.id)}, or use --force.`,
      details: { containers: users.map(({ id }) => id) },
    },
  );
}

function refuseById(store: Store, image: Image, force: boolean): void {
  const users = imageUsers(store.layout, image.id);
  const refuse = (how: "cannot be forced" | "must be forced", why: string, remedy: string): never => {
    throw new GantryError(
      "IMAGE_IN_USE",
      `conflict: unable to delete ${shortId(digestHex(image.id))} (${how}) - ${why}`,
      { remedy, details: { containers: users.map(({ id }) => id), names: image.names } },
    );
  };
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    const why = `image is being used by running container ${shortId(running.id)}`;
    refuse("cannot be forced", why, "Stop and remove the container first.");
  }
  if (force) return;
  if (image.names.length > 1) {
    const why = "image is referenced in multiple repositories";
    refuse("must be forced", why, "Remove its names one by one, or use --force.");
  }
  const [stopped] = users;
  if (stopped !== undefined) {
    const why = `image is being used by stopped container ${shortId(stopped.id)}`;
    refuse("must be forced", why, "Remove the container first, or use --force.");
  }
}
