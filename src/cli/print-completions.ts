import { existsSync } from "node:fs";
import { type Candidate, completeLine, type NameSource } from "./framework/complete.ts";
import type { Terminal } from "./framework/dispatch.ts";
import type { Noun } from "./framework/find-command.ts";
import { storeRoot } from "./framework/store-root.ts";

/**
 * Answers the scripts of `gantry completion`, which ask at each press of the tab key: a line for each candidate, with a tab
 * and an explanation where there is one, then a line `:`, or `:files` where names of files fit.
 */
export async function printCompletions(
  words: readonly string[],
  nouns: readonly Noun[],
  { stdout, environment }: Pick<Terminal, "stdout" | "environment">,
): Promise<void> {
  const names: NameSource = (kind, root) => namesIn(storeRoot(root, environment), kind);
  const { candidates, files } = await completeLine(words, nouns, names);
  const lines = candidates.map(({ value, says }) => (says === "" ? value : `${value}\t${says}`));
  stdout.write([...lines, files ? ":files" : ":", ""].join("\n"));
}

/** Looking must not make a store, and a damaged one is no reason to disturb a line that is being typed. */
async function namesIn(root: string, kind: Parameters<NameSource>[0]): Promise<Candidate[]> {
  try {
    const { StoreLayout } = await import("../store/layout.ts");
    if (!existsSync(new StoreLayout(root).versionFile())) return [];
    const { openStore } = await import("../store/open-store.ts");
    const store = openStore(root);
    if (kind === "image") {
      const { familiarReference } = await import("../image/reference.ts");
      const references = new Set(store.images().flatMap((image) => image.names.map(familiarReference)));
      return [...references].sort().map((value) => ({ value, says: "" }));
    }
    const { listContainers } = await import("../engine/list-containers.ts");
    return listContainers(store)
      .filter(({ status }) => kind === "container" || status.state === "running")
      .map(({ record, status }) => ({ value: record.name, says: `${record.config.Image}, ${status.state}` }));
  } catch {
    return [];
  }
}
