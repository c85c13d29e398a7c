import type { DiskUsage } from "../../../engine/system-disk-usage.ts";
import { humanSize } from "../../format/byte-size.ts";
import type { Listing } from "../../format/listing.ts";

/** A line of the summary. */
export interface UsageRow {
  readonly type: string;
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimableBytes: number;
  /** Docker tells the percentage only of images and containers. */
  readonly withPercentage: boolean;
}

const DIGITS = 4;

/** The summary of `system df` as tables, templates and JSON show it; the fields are Docker's. */
export const usageListing: Listing<UsageRow> = {
  typeName: "*formatter.diskUsageContext",
  quiet: "Type",
  table: ["Type", "TotalCount", "Active", "Size", "Reclaimable"],
  fields: {
    Active: { title: "ACTIVE", value: ({ active }) => String(active) },
    Reclaimable: { title: "RECLAIMABLE", value: reclaimableText },
    Size: { title: "SIZE", value: ({ bytes }) => humanSize(bytes, DIGITS) },
    TotalCount: { title: "TOTAL", value: ({ total }) => String(total) },
    Type: { title: "TYPE", value: ({ type }) => type },
  },
};

function reclaimableText({ bytes, reclaimableBytes, withPercentage }: UsageRow): string {
  const size = humanSize(reclaimableBytes, DIGITS);
  return withPercentage && bytes > 0 ? `${size} (${Math.trunc((reclaimableBytes * 100) / bytes)}%)` : size;
}

/** Docker's four lines, then gantry's own. */
export function usageRowsOf(usage: DiskUsage): UsageRow[] {
  const { images, containers } = usage;
  const running = containers.filter(({ status }) => status.state === "running");
  const total = (list: readonly { writableBytes: number }[]): number =>
    list.reduce((sum, { writableBytes }) => sum + writableBytes, 0);
  const none = { total: 0, active: 0, bytes: 0, reclaimableBytes: 0, withPercentage: false };
  return [
    {
      type: "Images",
      total: images.length,
      active: images.filter((image) => image.containers > 0).length,
      bytes: usage.layerBytes,
      reclaimableBytes: usage.reclaimableImageBytes,
      withPercentage: true,
    },
    {
      type: "Containers",
      total: containers.length,
      active: running.length,
      bytes: total(containers),
      reclaimableBytes: total(containers) - total(running),
      withPercentage: true,
    },
    { ...none, type: "Local Volumes" },
    { ...none, type: "Build Cache" },
    { ...usage.blobs, type: "Received Blobs", withPercentage: false },
    { ...usage.layerIndexes, type: "Layer Indexes", withPercentage: false },
    { ...usage.chainCaches, type: "Mount Caches", withPercentage: false },
    { ...usage.unfinished, type: "Work in Progress", withPercentage: false },
  ];
}
