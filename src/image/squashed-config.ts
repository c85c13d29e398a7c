import type { Digest, HistoryEntry, ImageConfig } from "./types.ts";

export interface SquashOptions {
  /** How many of the lowest layers stay as they are. */
  keep: number;
  /** What stands for the others; undefined if nothing is left of them. */
  diffId: Digest | undefined;
  /** RFC 3339. */
  created: string;
  /** Of the new step. */
  createdBy: string;
  comment: string;
}

/**
 * The config of an image whose upper layers have become one. Everything but layers, history and time stays. As `docker build
 * --squash` has it, the steps that made those layers stay in the history as steps without a layer, and one more step
 * made the new one; so the history still has as many steps with a layer as there are layers. A history that did not fit the
 * layers before is dropped, for no tool could say what belongs to what.
 */
export function squashedConfig(config: ImageConfig, options: SquashOptions): ImageConfig {
  const { history, ...others } = config;
  const kept = config.rootfs.diff_ids.slice(0, options.keep);
  return {
    ...others,
    created: options.created,
    rootfs: { ...config.rootfs, diff_ids: options.diffId === undefined ? kept : [...kept, options.diffId] },
    ...(history === undefined || !fits(history, config) ? {} : { history: squashedHistory(history, options) }),
  };
}

function fits(history: readonly HistoryEntry[], config: ImageConfig): boolean {
  return history.filter((step) => step.empty_layer !== true).length === config.rootfs.diff_ids.length;
}

function squashedHistory(history: readonly HistoryEntry[], options: SquashOptions): HistoryEntry[] {
  let layers = 0;
  const steps = history.map((step): HistoryEntry => {
    if (step.empty_layer === true || layers++ < options.keep) return step;
    return { ...step, empty_layer: true };
  });
  const { created, createdBy, comment } = options;
  const made: HistoryEntry = { created, created_by: createdBy, comment };
  return [...steps, options.diffId === undefined ? { ...made, empty_layer: true } : made];
}
