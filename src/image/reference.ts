import { GantryError } from "../errors/index.ts";
import { isDigest } from "./digest.ts";
import type { Digest } from "./types.ts";

/** A reference taken apart and normalised as Docker does: the domain is always there, `library/` is filled in. */
export interface ImageReference {
  /** `docker.io`, `localhost:5000` */
  domain: string;
  /** `library/busybox` */
  path: string;
  tag?: string;
  digest?: Digest;
}

const DEFAULT_DOMAIN = "docker.io";
const OFFICIAL_PREFIX = "library/";
const MAX_NAME_LENGTH = 255;

// The grammar of distribution's reference package: separators inside a component are one period, one or two
// underscores, or any number of dashes.
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const LABEL = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const DOMAIN = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-fA-F:]+\\])(?::[0-9]+)?$`);
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const BARE_ID = /^[0-9a-f]{64}$/;

/**
 * Reads `[domain/]path[:tag][@digest]` and normalises it: `busybox` is `docker.io/library/busybox`. Adds no tag.
 * @throws REFERENCE_INVALID
 */
export function parseReference(text: string): ImageReference {
  const refuse = (why: string, remedy?: string): never => {
    throw new GantryError("REFERENCE_INVALID", `invalid reference format: ${JSON.stringify(text)}: ${why}`, {
      details: { reference: text },
      ...(remedy === undefined ? {} : { remedy }),
    });
  };
  if (BARE_ID.test(text)) refuse("64 hexadecimal digits are an image id, not a name");
  let rest = text;
  let digest: Digest | undefined;
  const at = rest.indexOf("@");
  if (at >= 0) {
    const found = rest.slice(at + 1);
    if (!isDigest(found)) return refuse(`${JSON.stringify(found)} is not a sha256 digest`);
    digest = found;
    rest = rest.slice(0, at);
  }
  let tag: string | undefined;
  const colon = rest.lastIndexOf(":");
  if (colon > rest.lastIndexOf("/")) {
    tag = rest.slice(colon + 1);
    if (!TAG.test(tag)) refuse(`${JSON.stringify(tag)} is not a tag`);
    rest = rest.slice(0, colon);
  }
  if (rest === "") refuse("the name is empty");
  let domain = DEFAULT_DOMAIN;
  let path = rest;
  const slash = rest.indexOf("/");
  if (slash >= 0) {
    const first = rest.slice(0, slash);
    if (/[.:A-Z]/.test(first) || first === "localhost") {
      domain = first === "index.docker.io" ? DEFAULT_DOMAIN : first;
      path = rest.slice(slash + 1);
    }
  }
  if (domain === DEFAULT_DOMAIN && !path.includes("/")) path = OFFICIAL_PREFIX + path;
  if (!DOMAIN.test(domain)) refuse(`${JSON.stringify(domain)} is not a registry's address`);
  if (path !== path.toLowerCase()) refuse("repository name must be lowercase", "Write the name in lower case.");
  if (!PATH.test(path)) refuse(`${JSON.stringify(path)} is not a repository name`);
  if (domain.length + 1 + path.length > MAX_NAME_LENGTH)
    refuse(`the name is longer than ${MAX_NAME_LENGTH} characters`);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

/** The full form, as the store keeps names: `docker.io/library/busybox:latest`. */
export function formatReference(reference: ImageReference): string {
  const { domain, path, tag, digest } = reference;
  return `${domain}/${path}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;
}

/**
 * The full name of a tag: what `tag`, `load` and `commit` record. `latest` is filled in.
 * @throws REFERENCE_INVALID also for a reference with a digest, which cannot be a name
 */
export function fullTagName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest !== undefined) {
    throw new GantryError(
      "REFERENCE_INVALID",
      `refusing to create a tag with a digest reference: ${JSON.stringify(text)}`,
      {
        remedy: "Give a name with a tag instead.",
      },
    );
  }
  return formatReference({ ...reference, tag: reference.tag ?? "latest" });
}

/** How Docker shows a full reference to people: `docker.io/library/busybox:latest` -> `busybox:latest`. */
export function familiarReference(full: string): string {
  if (!full.startsWith(`${DEFAULT_DOMAIN}/`)) return full;
  const path = full.slice(DEFAULT_DOMAIN.length + 1);
  const short = path.startsWith(OFFICIAL_PREFIX) ? path.slice(OFFICIAL_PREFIX.length) : path;
  return short.includes("/") && path.startsWith(OFFICIAL_PREFIX) ? path : short;
}

/** Repository and tag of a full name, in familiar form: the columns of `images`. */
export function familiarParts(full: string): { repository: string; tag: string } {
  const familiar = familiarReference(full);
  const colon = familiar.lastIndexOf(":");
  return { repository: familiar.slice(0, colon), tag: familiar.slice(colon + 1) };
}
