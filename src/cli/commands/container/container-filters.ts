import type { ListedContainer } from "../../../engine/list-containers.ts";
import { GantryError, isGantryError } from "../../../errors/index.ts";
import { findContainer } from "../../../runtime/find-container.ts";
import type { Store } from "../../../store/store.ts";
import type { Filter } from "../../framework/flags.ts";

type Test = (container: ListedContainer) => boolean;

const STATES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"];

/**
 * Docker's filters of `ps`: of several values for one name any must match, and all names must. The order is kept.
 * @throws USAGE for a filter that is none, CONTAINER_NOT_FOUND for the container of `before` and `since`
 */
export function filterContainers(
  store: Store,
  containers: readonly ListedContainer[],
  filters: readonly Filter[],
): ListedContainer[] {
  const byName = new Map<string, Test[]>();
  for (const filter of filters) {
    const tests = byName.get(filter.name) ?? [];
    tests.push(testOf(store, containers, filter));
    byName.set(filter.name, tests);
  }
  return containers.filter((container) =>
    [...byName].every(([name, tests]) =>
      // Labels are wanted all, the others any.
      name === "label" ? tests.every((test) => test(container)) : tests.some((test) => test(container)),
    ),
  );
}

function testOf(store: Store, containers: readonly ListedContainer[], { name, value }: Filter): Test {
  switch (name) {
    case "id":
      return ({ record }) => matches(value, record.id);
    case "name":
      return ({ record }) => matches(value, record.name) || matches(value, `/${record.name}`);
    case "label":
      return ({ record }) => hasLabel(record.config.Labels ?? {}, value);
    case "status":
      if (!STATES.includes(value)) throw invalid(name, value);
      return ({ status }) => status.state === value;
    case "exited":
      if (!/^-?\d+$/.test(value)) throw invalid(name, value);
      return ({ status }) => status.state === "exited" && status.exitCode === Number(value);
    case "ancestor":
      return descendsFrom(store, value);
    case "network":
      return ({ record }) => record.hostConfig.NetworkMode === value;
    case "before":
    case "since": {
      const { id } = findContainer(store.layout, value);
      const created = containers.find(({ record }) => record.id === id)?.record.created ?? "";
      return ({ record }) => (name === "before" ? record.created < created : record.created > created);
    }
    case "volume":
    case "publish":
    case "expose":
      return () => false;
    case "health":
      return () => value === "none";
    case "is-task":
      return () => value === "false" || value === "0";
    default:
      throw new GantryError("USAGE", `invalid filter '${name}'`, {
        remedy: "Filter by id, name, label, status, exited, ancestor, network, before or since.",
      });
  }
}

/** A regular expression as Docker's, or at least a part of the text. */
function matches(pattern: string, text: string): boolean {
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return text.includes(pattern);
  }
}

function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const equals = wanted.indexOf("=");
  if (equals < 0) return Object.hasOwn(labels, wanted);
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

/** Made from this image, or from one that was built on it: whose lowest layers are its layers. */
function descendsFrom(store: Store, reference: string): Test {
  try {
    const image = store.resolveImage(reference);
    const layers = image.layers.map((layer) => layer.diffId);
    return ({ record }) =>
      record.image === image.id || (layers.length > 0 && layers.every((diffId, at) => record.layers[at] === diffId));
  } catch (error) {
    if (isGantryError(error, "IMAGE_NOT_FOUND")) return ({ record }) => record.config.Image === reference;
    throw error;
  }
}

function invalid(name: string, value: string): GantryError {
  return new GantryError("USAGE", `invalid filter '${name}=${value}'`);
}
