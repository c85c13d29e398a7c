import { GantryError } from "../errors/index.ts";
import { parseDigest } from "./digest.ts";
import { type FieldTypes, wrongField } from "./field-types.ts";
import { isJsonObject, type JsonObject, parseJson } from "./parse-json.ts";
import type { Digest, ImageConfig, Platform } from "./types.ts";

const CONFIG_FIELDS: FieldTypes = {
  created: "string",
  author: "string",
  architecture: "string",
  variant: "string",
  os: "string",
  "os.version": "string",
  comment: "string",
  docker_version: "string",
};
const HISTORY_FIELDS: FieldTypes = {
  created: "string",
  created_by: "string",
  author: "string",
  comment: "string",
  empty_layer: "boolean",
};
const RUN_FIELDS: FieldTypes = {
  User: "string",
  ExposedPorts: "object",
  Env: "strings",
  Entrypoint: "words",
  Cmd: "words",
  Volumes: "object",
  WorkingDir: "string",
  Labels: "string map",
  StopSignal: "string",
  StopTimeout: "number",
  Healthcheck: "object",
  Shell: "words",
  OnBuild: "strings",
  Hostname: "string",
  Domainname: "string",
  Tty: "boolean",
  OpenStdin: "boolean",
  ArgsEscaped: "boolean",
};

/** Docker reads one string as a list of one. */
function wordLists(run: JsonObject): JsonObject {
  const single = Object.entries(run).filter(
    ([name, value]) => RUN_FIELDS[name] === "words" && typeof value === "string",
  );
  return Object.fromEntries(single.map(([name, value]) => [name, [value]]));
}

/**
 * Parses an image's config (OCI image-spec, config.md; Docker's has more fields, which are kept).
 * @throws CONFIG_INVALID, DIGEST_INVALID
 */
export function parseConfig(bytes: Uint8Array, what = "the image config"): ImageConfig {
  const invalid = (why: string): never => {
    throw new GantryError("CONFIG_INVALID", `${what} ${why}`);
  };
  const document = parseJson(bytes, what, "CONFIG_INVALID");
  if (!isJsonObject(document)) return invalid("is not a JSON object");
  const rootfs = document["rootfs"];
  if (!isJsonObject(rootfs)) {
    return invalid('has no "rootfs": images of Docker before 1.10 are not supported');
  }
  if (rootfs["type"] !== "layers") return invalid(`has a rootfs of type ${JSON.stringify(rootfs["type"])}`);
  const list = rootfs["diff_ids"] ?? [];
  if (!Array.isArray(list)) return invalid("has diff_ids that are no list");
  const diffIds: Digest[] = list.map((value, index) => parseDigest(value, `${what}: diff_ids[${index}]`));
  const history = document["history"] ?? [];
  if (!Array.isArray(history) || !history.every(isJsonObject))
    return invalid("has a history that is no list of objects");
  const run = document["config"] ?? undefined;
  if (run !== undefined && !isJsonObject(run)) return invalid('has a "config" that is no object');
  const wrong =
    wrongField(document, CONFIG_FIELDS) ??
    history.map((step) => wrongField(step, HISTORY_FIELDS)).find((why) => why !== undefined) ??
    wrongField(run ?? {}, RUN_FIELDS);
  if (wrong !== undefined) return invalid(wrong);
  const { config: _run, ...others } = document;
  return {
    ...others,
    // Images older than these fields run everywhere Docker runs them: as Linux, on the machine at hand.
    architecture: typeof document["architecture"] === "string" ? document["architecture"] : "",
    os: typeof document["os"] === "string" && document["os"] !== "" ? document["os"] : "linux",
    ...(run === undefined ? {} : { config: { ...run, ...wordLists(run) } }),
    history: history,
    rootfs: { type: "layers", diff_ids: diffIds },
  };
}

/** The platform that a config says it is for. */
export function configPlatform(config: ImageConfig): Platform {
  return {
    architecture: config.architecture,
    os: config.os,
    ...(config.variant === undefined || config.variant === "" ? {} : { variant: config.variant }),
  };
}
