import { toJson } from "./go-template/to-json.ts";
import { nilMap, nilPointer, nilSlice, sortedKeys, struct } from "./go-template/values.ts";

/** Fields of Docker's inspect answers that are maps; every other object is a struct. */
const MAPS = new Set(
  "Annotations Data DriverOpts ExposedPorts Labels Networks Options PortBindings Ports StorageOpt Sysctls Tmpfs Volumes".split(
    " ",
  ),
);

/** Fields that are lists, also where they are null. */
const SLICES = new Set(
  (
    "Aliases Args Binds CapAdd CapDrop Cmd DeviceCgroupRules DeviceRequests Devices Dns DnsOptions DnsSearch Entrypoint Env ExecIDs " +
    "ExtraHosts GroupAdd Layers Links MaskedPaths Mounts OnBuild ReadonlyPaths RepoDigests RepoTags SecurityOpt Shell Ulimits VolumesFrom"
  ).split(" "),
);

/**
 * What Docker's types have and its JSON leaves out when empty, by the field that holds it: a template may ask for it, as
 * `{{if .State.Health}}` does.
 */
const UNWRITTEN: Readonly<Record<string, Readonly<Record<string, () => unknown>>>> = {
  "": {
    Container: () => "",
    ContainerConfig: nilPointer,
    OsVersion: () => "",
    SizeRootFs: nilPointer,
    SizeRw: nilPointer,
    Variant: () => "",
  },
  Config: {
    ArgsEscaped: () => false,
    ExposedPorts: nilMap,
    Healthcheck: nilPointer,
    MacAddress: () => "",
    NetworkDisabled: () => false,
    Shell: nilSlice,
    StopSignal: () => "",
    StopTimeout: nilPointer,
  },
  HostConfig: {
    Annotations: nilMap,
    Init: nilPointer,
    Mounts: nilSlice,
    StorageOpt: nilMap,
    Sysctls: nilMap,
    Tmpfs: nilMap,
  },
  State: { Health: nilPointer },
};

/**
 * Makes what turns found objects into the output of an `inspect` command: a JSON array indented by four, `--format json` the
 * array on one line, or a template's result for each object on a line of its own. The template is read before anything is
 * looked up, as Docker does.
 * @throws {UsageError} for a template that cannot be read; the returned function throws one for a field that is not there
 */
export async function inspectionRenderer(format: string): Promise<(objects: readonly object[]) => string> {
  if (format === "" || format === "json") {
    const indent = format === "" ? 4 : 0;
    return (objects) =>
      `${toJson(
        objects.map((object) => goShaped(object)),
        indent,
      )}\n`;
  }
  const { compileFormat } = await import("./compile-format.ts");
  const template = compileFormat(format);
  return (objects) => objects.map((object) => `${template.execute(goShaped(object))}\n`).join("");
}

/**
 * A copy of plain data in the shapes that Docker's types have: objects are structs, so that `{{.Nmae}}` is an error, except
 * the known maps, whose keys are sorted and of which a missing one is `<no value>`; null lists and maps are empty ones.
 */
function goShaped(value: unknown, name = "", inMap = false): unknown {
  const isMap = !inMap && MAPS.has(name);
  if (value === null) return isMap ? nilMap() : !inMap && SLICES.has(name) ? nilSlice() : inMap ? null : nilPointer();
  if (typeof value !== "object") return value;
  if (Array.isArray(value)) return (value as readonly unknown[]).map((element) => goShaped(element));
  const fields = value as Readonly<Record<string, unknown>>;
  const keys = isMap ? sortedKeys(value) : Object.keys(value);
  const copy = Object.fromEntries(
    keys.filter((key) => fields[key] !== undefined).map((key) => [key, goShaped(fields[key], key, isMap)]),
  );
  if (isMap) return copy;
  const unwritten = Object.entries(UNWRITTEN[name] ?? {}).filter(([key]) => !(key in copy));
  // Not enumerable: not in JSON, not in the text of the whole.
  for (const [key, zero] of unwritten) Object.defineProperty(copy, key, { value: zero(), enumerable: false });
  return struct(copy);
}
