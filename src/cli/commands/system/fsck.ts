import type { CheckReport } from "../../../engine/fsck/check-store.ts";
import type { Finding } from "../../../engine/fsck/finding.ts";
import { humanSize } from "../../format/byte-size.ts";
import { defineCommand } from "../../framework/command.ts";
import { boolFlag, choiceFlag } from "../../framework/flags.ts";
import { PROGRESS_FLAGS, progressMode } from "../../progress/progress-flag.ts";

export const command = defineCommand({
  summary: "Check the store, and repair it",
  description:
    "Checks records, blobs, layers, caches, containers and names against each other, and accounts for every\n" +
    "block on the disk. --deep reads all content: it hashes every blob and layer, and makes indexes and caches\n" +
    "again to compare them. Other commands may run meanwhile.\n" +
    "\n" +
    "--repair makes again what can be made again from what is there, removes what nothing needs, and moves\n" +
    "damaged and unknown files into the store's quarantine/. What is lost is named: loading the image again\n" +
    "puts it back.\n" +
    "\n" +
    "Exits with 0 if the store is sound, or is so now, and with 1 if something is left.",
  operands: { synopsis: "", max: 0 },
  flags: {
    deep: boolFlag("Read and verify all content"),
    format: choiceFlag("How to print the result: text, json", ["text", "json"], { default: "text" }),
    ...PROGRESS_FLAGS,
    quiet: boolFlag("Print only what is wrong", { short: "q" }),
    repair: boolFlag("Repair what can be repaired"),
  },
  examples: [
    { says: "Is everything in order?", line: "gantry system fsck" },
    { says: "After a crash of the disk", line: "gantry system fsck --deep --repair" },
    {
      says: "For a script: the objects that are damaged",
      line: "gantry system fsck --format json | jq -r '.Left[].Object'",
    },
  ],
  async run(context, { flags }) {
    const { checkStore } = await import("../../../engine/fsck/check-store.ts");
    const { withProgress } = await import("../../progress/with-progress.ts");
    const { deep, repair } = flags;
    const mode = progressMode(flags);
    const report = await withProgress(context, mode, (reporter) =>
      checkStore(context.storeRoot, { deep, repair }, reporter),
    );
    context.stdout.write(flags.format === "json" ? jsonReport(report, deep) : textReport(report, deep, flags.quiet));
    return report.left.length === 0 ? 0 : 1;
  },
});

/** The report for people: what was repaired, what is left, what the disk holds. */
export function textReport(report: CheckReport, deep: boolean, quiet: boolean): string {
  const { repaired, left, quarantine } = report;
  const lines = [
    ...repaired.map((finding) => `repaired: ${findingText(finding)}`),
    ...left.map((finding) => `${findingText(finding)}\n  ${finding.repairable ? "--repair: " : ""}${finding.remedy}`),
  ];
  if (quarantine !== undefined) lines.push(`Moved into ${quarantine}: look at it, then remove it.`);
  if (!quiet) lines.push(...diskLines(report), verdict(report, deep));
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function findingText({ code, object, problem, users }: Finding): string {
  const needed = users.length === 0 ? "" : ` (needed by ${users.join(", ")})`;
  return `${object} ${problem}${needed} [${code}]`;
}

function diskLines({ root, disk }: CheckReport): string[] {
  const parts: [name: string, bytes: number][] = [
    ["images", disk.imageBytes],
    ["caches", disk.cacheBytes],
    ["containers", disk.containerBytes],
    ["records", disk.recordBytes],
    ["in flight", disk.inFlightBytes],
    ["quarantine", disk.quarantineBytes],
    ["not needed", disk.unneededBytes],
  ];
  const shown = parts.filter(([name, bytes]) => bytes > 0 || name === "in flight" || name === "not needed");
  const width = String(disk.totalBytes).length;
  const line = (name: string, bytes: number): string =>
    `  ${name.padEnd(10)} ${String(bytes).padStart(width)}  ${humanSize(bytes)}`;
  return [
    `Bytes on disk in ${root}:`,
    ...shown.map(([name, bytes]) => line(name, bytes)),
    line("total", disk.totalBytes),
  ];
}

function verdict({ images, layers, containers, repaired, left }: CheckReport, deep: boolean): string {
  const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? "" : "s"}`;
  const what = `${count(images, "image")}, ${count(layers, "layer")}, ${count(containers, "container")}`;
  const checked = `Checked ${what}${deep ? ", all content" : ""}: `;
  if (left.length === 0)
    return `${checked}${repaired.length === 0 ? "sound" : `${repaired.length} repaired, sound now`}`;
  const can = left.filter((finding) => finding.repairable).length;
  const first = repaired.length === 0 ? "" : `${repaired.length} repaired, `;
  return `${checked}${first}${count(left.length, "problem")} left${can > 0 ? `, ${can} of which --repair can treat` : ""}`;
}

/** The report for programs; names as in the rest of gantry's JSON. */
export function jsonReport(report: CheckReport, deep: boolean): string {
  const finding = ({ code, object, problem, users, repairable, remedy }: Finding): object => ({
    Code: code,
    Object: object,
    Problem: problem,
    Users: users,
    Repairable: repairable,
    Remedy: remedy,
  });
  const { disk } = report;
  const document = {
    Root: report.root,
    Deep: deep,
    Sound: report.left.length === 0,
    Images: report.images,
    Layers: report.layers,
    Containers: report.containers,
    Repaired: report.repaired.map(finding),
    Left: report.left.map(finding),
    Quarantine: report.quarantine ?? null,
    DiskBytes: {
      Total: disk.totalBytes,
      Images: disk.imageBytes,
      Caches: disk.cacheBytes,
      Containers: disk.containerBytes,
      Records: disk.recordBytes,
      InFlight: disk.inFlightBytes,
      Quarantine: disk.quarantineBytes,
      NotNeeded: disk.unneededBytes,
    },
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}
