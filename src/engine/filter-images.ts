import { pathMatcher } from "../image/path-match.ts";
import { familiarParts } from "../image/reference.ts";
import type { Image } from "../image/types.ts";
import type { Store } from "../store/store.ts";

/** Which images are wanted: all of this must hold. */
export interface ImageFilter {
  /** Without a name, or with one. */
  dangling?: boolean | undefined;
  /** `KEY` or `KEY=VALUE`: all of them. */
  labels?: readonly string[];
  /** None of these. */
  withoutLabels?: readonly string[];
  /** Patterns of which a name must match one: with or without its tag. */
  references?: readonly string[];
  /** References of images than which it must be older, or younger. */
  before?: readonly string[];
  since?: readonly string[];
  /** Created before this time, milliseconds since 1970. */
  createdBeforeMs?: number | undefined;
}

/** An image that passed, and those of its names that did. */
export interface FilteredImage {
  readonly image: Image;
  readonly names: readonly string[];
}

/**
 * Docker's image filters. The order is kept.
 * @param labelsOf default: reads the image's config
 * @throws IMAGE_NOT_FOUND for the images of `before` and `since`, USAGE for a malformed pattern
 */
export function filterImages(
  images: readonly Image[],
  filter: ImageFilter,
  store: Pick<Store, "resolveImage">,
  labelsOf: (image: Image) => Readonly<Record<string, string>> = (image) => image.config.config?.Labels ?? {},
): FilteredImage[] {
  const { dangling, labels = [], withoutLabels = [], references = [], before = [], since = [] } = filter;
  const matchers = references.map(pathMatcher);
  const createdOf = (reference: string): number => createdMs(store.resolveImage(reference));
  const bounded = before.length > 0 || since.length > 0 || filter.createdBeforeMs !== undefined;
  const earlier = Math.min(...before.map(createdOf), filter.createdBeforeMs ?? Infinity);
  const later = Math.max(...since.map(createdOf), -Infinity);
  const inTime = (ms: number): boolean => ms < earlier && (since.length === 0 || ms > later);
  const passed: FilteredImage[] = [];
  for (const image of images) {
    if (dangling !== undefined && dangling !== (image.names.length === 0)) continue;
    if (bounded && !inTime(createdMs(image))) continue;
    if (!labels.every((label) => hasLabel(labelsOf(image), label))) continue;
    if (withoutLabels.some((label) => hasLabel(labelsOf(image), label))) continue;
    const names = matchers.length === 0 ? image.names : image.names.filter((name) => nameMatches(name, matchers));
    if (matchers.length > 0 && names.length === 0) continue;
    passed.push({ image, names });
  }
  return passed;
}

/** `busybox`, `busybox:1.*`, `*\/app:v?`: against the name as Docker shows it, and against the full one. */
function nameMatches(name: string, matchers: readonly ((name: string) => boolean)[]): boolean {
  const { repository, tag } = familiarParts(name);
  return matchers.some((matches) => matches(repository) || matches(`${repository}:${tag}`) || matches(name));
}

/** Whether the labels have `KEY`, or `KEY=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  const key = equals < 0 ? wanted : wanted.slice(0, equals);
  return Object.hasOwn(labels, key) && (equals < 0 || labels[key] === wanted.slice(equals + 1));
}

/** When the image was made; an image that does not say was made before any other. */
function createdMs({ created }: Image): number {
  if (created === "" || created.startsWith("0001-")) return -Infinity;
  const ms = Date.parse(created);
  return Number.isNaN(ms) ? -Infinity : ms;
}
