import type { RunConfig } from "../types.ts";
import { applyChange } from "./apply-change.ts";

/** Applies Dockerfile instructions in order. @throws INSTRUCTION_INVALID */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  return changes.reduce(applyChange, config);
}
