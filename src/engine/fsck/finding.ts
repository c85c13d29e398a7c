/** What can be wrong with a store: the code of each finding, which programs may match on. */
export const FINDING_CODES = [
  "blob-digest",
  "blob-missing",
  "blob-size",
  "blob-unneeded",
  "blob-unreadable",
  "chain-invalid",
  "chain-unneeded",
  "container-file",
  "container-name",
  "container-record",
  "file-unknown",
  "image-invalid",
  "image-name",
  "layer-digest",
  "layer-index",
  "layer-missing",
  "layer-size",
  "layer-twice",
  "layer-unneeded",
  "layer-unreadable",
  "name-dangling",
  "records-unreadable",
  "scratch-abandoned",
  "version-unreadable",
] as const;

export type FindingCode = (typeof FINDING_CODES)[number];

/** One thing that is wrong. */
export interface Finding {
  code: FindingCode;
  /** `blob sha256:...`, `container 0123...`, a path under the root. */
  object: string;
  /** What is wrong, as a sentence without its subject: `is 12 bytes long, not 4096`. */
  problem: string;
  /** Names (or short ids) of the images and containers that need the object. */
  users: readonly string[];
  /** Whether --repair can do something. */
  repairable: boolean;
  /** What --repair does; where it can do nothing, what the user can. One imperative sentence. */
  remedy: string;
}

/** A finding of a check that can still be acted upon. Repairs run with the record lock held. */
export interface Problem extends Finding {
  repair?: () => void | Promise<void>;
}

/** Tells findings of two passes apart, or that they are the same. */
export function findingKey({ code, object }: Finding): string {
  return `${code} ${object}`;
}

/** The finding without what only the check can use. */
export function bareFinding({ code, object, problem, users, repairable, remedy }: Problem): Finding {
  return { code, object, problem, users, repairable, remedy };
}
