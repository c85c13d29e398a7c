import { GantryError } from "../../../errors/index.ts";
import { familiarParts } from "../../../image/reference.ts";
import type { Image } from "../../../image/types.ts";
import { unixMs } from "../../format/go-time.ts";
import { nearestWord } from "../../framework/nearest-word.ts";
import type { Filter } from "../../framework/flags.ts";
import { matchesGlob } from "./glob.ts";

const FILTERS = ["before", "dangling", "label", "reference", "since", "until"];

/** An image that passed, and those of its names that did. */
export interface FilteredImage {
  readonly image: Image;
  readonly names: readonly string[];
}

/**
 * Docker's image filters: the values of one name are alternatives (of `label`: all must hold), different names must all hold.
 * `find` resolves the image that `before` and `since` name.
 * @throws USAGE for a filter that does not exist or has a bad value, IMAGE_NOT_FOUND
 */
export function filterImages(
  images: readonly Image[],
  filters: readonly Filter[],
  find: (reference: string) => Image,
): FilteredImage[] {
  const valuesOf = (name: string): string[] =>
    filters.filter((filter) => filter.name === name).map(({ value }) => value);
  for (const { name } of filters) {
    if (FILTERS.includes(name)) continue;
    const near = nearestWord(name, FILTERS);
    throw new GantryError("USAGE", `invalid filter '${name}'`, {
      remedy: near === undefined ? `Use one of ${FILTERS.join(", ")}.` : `Did you mean ${near}?`,
    });
  }
  const dangling = valuesOf("dangling").map(parseBool);
  const labels = valuesOf("label");
  const patterns = valuesOf("reference");
  const createdMs = (image: Image): number => unixMs(image.config.created) ?? -Infinity;
  const bounds = [
    ...valuesOf("before").map((name) => ({ earlier: true, ms: createdMs(find(name)) })),
    ...valuesOf("since").map((name) => ({ earlier: false, ms: createdMs(find(name)) })),
    ...valuesOf("until").map((time) => ({ earlier: true, ms: parseTime(time) })),
  ];
  const passed: FilteredImage[] = [];
  for (const image of images) {
    if (dangling.length > 0 && !dangling.includes(image.names.length === 0)) continue;
    if (bounds.some(({ earlier, ms }) => (earlier ? createdMs(image) >= ms : createdMs(image) <= ms))) continue;
    if (!labels.every((label) => hasLabel(image, label))) continue;
    const names =
      patterns.length === 0 ? image.names : image.names.filter((name) => patterns.some((p) => nameMatches(name, p)));
    if (patterns.length > 0 && names.length === 0) continue;
    passed.push({ image, names });
  }
  return passed;
}

/** `busybox`, `busybox:1.*`, `*\/app:v?`: a glob over the familiar name, with or without its tag. */
function nameMatches(name: string, pattern: string): boolean {
  const { repository, tag } = familiarParts(name);
  return matchesGlob(repository, pattern) || matchesGlob(`${repository}:${tag}`, pattern) || matchesGlob(name, pattern);
}

function hasLabel(image: Image, label: string): boolean {
  const labels = image.config.config?.Labels ?? {};
  const equals = label.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, label);
  const key = label.slice(0, equals);
  return Object.hasOwn(labels, key) && labels[key] === label.slice(equals + 1);
}

function parseBool(text: string): boolean {
  if (["true", "1", "t"].includes(text.toLowerCase())) return true;
  if (["false", "0", "f"].includes(text.toLowerCase())) return false;
  throw new GantryError("USAGE", `invalid filter 'dangling=${text}'`, {
    remedy: "Use dangling=true or dangling=false.",
  });
}

function parseTime(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  throw new GantryError("USAGE", `invalid filter 'until=${text}'`, {
    remedy: "Give a time such as 2024-05-01T12:00:00Z.",
  });
}
