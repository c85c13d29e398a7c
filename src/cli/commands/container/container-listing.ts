import { type ContainerSize, containerSizes } from "../../../engine/container-size.ts";
import type { ListedContainer } from "../../../engine/list-containers.ts";
import { shortId } from "../../../runtime/container-id.ts";
import type { Store } from "../../../store/store.ts";
import { humanSize } from "../../format/byte-size.ts";
import { humanDuration } from "../../format/duration.ts";
import { goQuote } from "../../format/go-template/go-quote.ts";
import { goTimeText } from "../../format/go-time.ts";
import type { Listing } from "../../format/listing.ts";
import { statusText } from "./status-text.ts";

const COMMAND_WIDTH = 20;

/** Docker's table of containers; with `sizes` their files are counted, else SIZE is `0B` and not in the table. */
export function containerListing(
  store: Store,
  options: { truncate: boolean; nowMs: number; sizes: boolean },
): Listing<ListedContainer> {
  const { truncate, nowMs, sizes } = options;
  const sizeOf = containerSizes(store);
  const age = ({ record }: ListedContainer): string => `${humanDuration(nowMs - Date.parse(record.created))} ago`;
  const id = ({ record }: ListedContainer): string => (truncate ? shortId(record.id) : record.id);
  const labels = ({ record }: ListedContainer): Record<string, string> => record.config.Labels ?? {};
  return {
    typeName: "ContainerContext",
    quiet: "ID",
    table: ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names", ...(sizes ? ["Size"] : [])],
    fields: {
      Command: { title: "COMMAND", value: (row) => commandText(row.record.args, truncate) },
      CreatedAt: { title: "CREATED AT", value: (row) => goTimeText(Date.parse(row.record.created)) },
      ID: { title: "CONTAINER ID", value: id },
      Image: { title: "IMAGE", value: imageColumn(store, truncate) },
      Labels: {
        title: "LABELS",
        value: (row) =>
          Object.entries(labels(row))
            .map(([name, value]) => `${name}=${value}`)
            .join(","),
      },
      LocalVolumes: { title: "LOCAL VOLUMES", value: () => "0" },
      Mounts: { title: "MOUNTS", value: () => "" },
      Names: { title: "NAMES", value: (row) => row.record.name },
      Networks: { title: "NETWORKS", value: (row) => row.record.hostConfig.NetworkMode },
      Ports: { title: "PORTS", value: () => "" },
      RunningFor: { title: "CREATED", value: age },
      Size: { title: "SIZE", value: ({ record }) => (sizes ? sizeText(sizeOf(record)) : "0B") },
      State: { title: "STATE", value: (row) => row.status.state },
      Status: { title: "STATUS", value: (row) => statusText(row.status, nowMs) },
    },
    methods: { Label: { title: "LABEL", value: (row) => (name) => labels(row)[name] ?? "" } },
  };
}

/** As the user called the image; its id once that name means another image, or nothing. */
function imageColumn(store: Store, truncate: boolean): (row: ListedContainer) => string {
  const known = new Map<string, string | undefined>();
  const idOf = (reference: string): string | undefined => {
    if (!known.has(reference)) {
      try {
        known.set(reference, store.resolveImage(reference).id);
      } catch {
        known.set(reference, undefined);
      }
    }
    return known.get(reference);
  };
  return ({ record }) => {
    const { Image: reference } = record.config;
    if (idOf(reference) === record.image) return reference;
    return truncate ? shortId(record.image.slice("sha256:".length)) : record.image;
  };
}

function sizeText({ writableBytes, totalBytes }: ContainerSize): string {
  return `${humanSize(writableBytes)} (virtual ${humanSize(totalBytes)})`;
}

/** Docker's quoting: apostrophes around what has a blank, and the whole as Go quotes it. */
function commandText(args: readonly string[], truncate: boolean): string {
  const [program = "", ...others] = args;
  const text = [program, ...others.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
  const characters = Array.from(text);
  const shown =
    truncate && characters.length > COMMAND_WIDTH ? `${characters.slice(0, COMMAND_WIDTH - 1).join("")}…` : text;
  return goQuote(shown);
}
