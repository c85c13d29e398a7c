import type { ContainerUsage, DiskUsage, ImageUsage } from "../../../engine/system-disk-usage.ts";
import { familiarParts } from "../../../image/reference.ts";
import type { Store } from "../../../store/store.ts";
import { humanSize } from "../../format/byte-size.ts";
import { compileFormat } from "../../format/compile-format.ts";
import { toJson } from "../../format/go-template/to-json.ts";
import { struct } from "../../format/go-template/values.ts";
import { escapeHtml, type Listing, renderListing, rowRecord } from "../../format/listing.ts";
import { containerListing } from "../container/container-listing.ts";
import { imageListing, type ImageRow } from "../image/image-listing.ts";
import { usageListing, usageRowsOf } from "./df-listing.ts";

/** One line a name, as `images` shows them. */
interface ImageUsageRow extends ImageRow {
  readonly usage: ImageUsage;
}

/** `system df -v`: Docker's sections, then gantry's own files; or what `--format` makes of Docker's record. */
export async function verboseText(store: Store, usage: DiskUsage, format: string): Promise<string> {
  const nowMs = Date.now();
  const images = usage.images.flatMap(imageUsageRows);
  const isText = format === "" || format === "table";
  const imageTable = imageUsageListing(isText, nowMs);
  const containerTable = containerUsageListing(store, isText, nowMs);
  if (!isText) {
    const record = {
      Images: images.map((row) => rowRecord(imageTable, row)),
      Containers: usage.containers.map((row) => rowRecord(containerTable, row)),
      Volumes: [],
      BuildCache: [],
    };
    if (format === "json") return `${escapeHtml(toJson(record))}\n`;
    const shaped = Object.entries(record).map(([name, rows]) => [name, rows.map((row) => struct(row))]);
    return `${compileFormat(format).execute(struct(Object.fromEntries(shaped) as object, "*formatter.diskUsageContext"))}\n`;
  }
  const own = usageRowsOf(usage).slice(4);
  const table = async <T>(listing: Listing<T>, rows: readonly T[]): Promise<string> =>
    await renderListing(listing, rows, { format: "" });
  return (
    `Images space usage:\n\n${await table(imageTable, images)}` +
    `\nContainers space usage:\n\n${await table(containerTable, usage.containers)}` +
    "\nLocal Volumes space usage:\n\nVOLUME NAME   LINKS     SIZE\n" +
    "\nBuild cache usage: 0B\n\nCACHE ID   CACHE TYPE   SIZE      CREATED   LAST USED   USAGE     SHARED\n" +
    `\nFiles beside images and containers:\n\n${await table(usageListing, own)}`
  );
}

function imageUsageRows(usage: ImageUsage): ImageUsageRow[] {
  const { image } = usage;
  if (image.names.length === 0) return [{ image, usage, repository: "<none>", tag: "<none>", digest: "" }];
  return image.names.map((name) => ({ image, usage, ...familiarParts(name), digest: "" }));
}

function imageUsageListing(truncate: boolean, nowMs: number): Listing<ImageUsageRow> {
  const listing = imageListing({ noTrunc: !truncate, digests: false, nowMs });
  return {
    ...listing,
    table: ["Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers"],
    fields: {
      ...listing.fields,
      Containers: { title: "CONTAINERS", value: ({ usage }) => String(usage.containers) },
      SharedSize: { title: "SHARED SIZE", value: ({ usage }) => humanSize(usage.sharedBytes, 4) },
      UniqueSize: { title: "UNIQUE SIZE", value: ({ usage }) => humanSize(usage.uniqueBytes, 4) },
    },
  };
}

function containerUsageListing(store: Store, truncate: boolean, nowMs: number): Listing<ContainerUsage> {
  const listing = containerListing(store, { truncate, nowMs, sizes: false });
  return {
    ...listing,
    table: ["ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names"],
    fields: { ...listing.fields, Size: { title: "SIZE", value: (row) => humanSize(row.writableBytes) } },
  };
}
