import type { Digest, ReceivedIndex } from "../image/types.ts";
import type { ImageRecord } from "./image-records.ts";

/** Names that an image is to have. */
export interface NameMove {
  id: Digest;
  names: string[];
  /** The index that the names mean, which the image came through; without it they mean the image alone. */
  index?: Omit<ReceivedIndex, "names">;
  /** RFC 3339. */
  taggedAt: string;
}

/**
 * Gives names to an image. They leave the images that had them, but for other platforms of the same index: those share
 * its names. An index that no name means any more is forgotten where the image has another; the last one stays, so that
 * an image without names is still found by its index's digest.
 */
export function moveNames(records: readonly ImageRecord[], move: NameMove): ImageRecord[] {
  return records.map((record) => {
    if (record.id === move.id) return withNames(record, move);
    const taken = record.names.filter((name) => move.names.includes(name) && !meansIndex(record, name, move.index));
    return taken.length === 0 ? record : withoutNames(record, taken);
  });
}

/** The record without these names. */
export function withoutNames(record: ImageRecord, gone: readonly string[]): ImageRecord {
  const keep = (name: string): boolean => !gone.includes(name);
  const indexes = record.indexes?.map((index) => ({ ...index, names: index.names.filter(keep) }));
  return withIndexes({ ...record, names: record.names.filter(keep) }, indexes);
}

function withNames(record: ImageRecord, { names, index, taggedAt }: NameMove): ImageRecord {
  // Other meanings of these names end; the index given is added, or gets them.
  const others = (record.indexes ?? []).map((known) => ({
    ...known,
    names: known.names.filter((name) => !names.includes(name)),
  }));
  const indexes = index === undefined ? others : joined(others, { ...index, names });
  const all = names.length === 0 ? record.names : [...new Set([...record.names, ...names])].sort();
  const tagged = names.length === 0 ? {} : { taggedAt };
  return withIndexes({ ...record, names: all, ...tagged }, indexes);
}

function joined(indexes: ReceivedIndex[], added: ReceivedIndex): ReceivedIndex[] {
  const { digest } = added.descriptor;
  const known = indexes.find((index) => index.descriptor.digest === digest);
  if (known === undefined) return [...indexes, { ...added, names: [...added.names].sort() }];
  const parts = new Map([...(known.parts ?? []), ...(added.parts ?? [])].map((part) => [part.digest, part]));
  const merged = {
    ...known,
    names: [...new Set([...known.names, ...added.names])].sort(),
    ...(parts.size === 0 ? {} : { parts: [...parts.values()] }),
  };
  return indexes.map((index) => (index === known ? merged : index));
}

function withIndexes(record: ImageRecord, indexes: ReceivedIndex[] | undefined): ImageRecord {
  const { indexes: _before, ...rest } = record;
  const named = (indexes ?? []).filter((index) => index.names.length > 0);
  const kept = named.length > 0 ? named : (indexes ?? []).slice(-1);
  return kept.length === 0 ? rest : { ...rest, indexes: kept };
}

function meansIndex(record: ImageRecord, name: string, index: NameMove["index"]): boolean {
  if (index === undefined) return false;
  const { digest } = index.descriptor;
  return record.indexes?.some((known) => known.descriptor.digest === digest && known.names.includes(name)) ?? false;
}
