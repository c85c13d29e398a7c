/**
 * Scans a tar stream: ustar, v7, GNU, star and pax headers become entry records (wasm/common/format.ts, section 1). File
 * data never comes here: the kernel says how many bytes to pass over (ScanState.skip), then where the next block goes
 * (target, need), and `advance` looks at it. Memory map: state.ts.
 */
import { headerSum, isZeroBlock, signedHeaderSum } from "./checksum";
import { sizeField, takeEntry, takeMapBlock, takeSparseBlock } from "./entry";
import { headerNumber, malformed } from "./numbers";
import { parseGlobalPax, parsePax } from "./pax";
import { addMapBlock } from "./sparse";
import * as s from "./state";
import { fail, HEADER, state } from "./state";

/** Address of the ScanState. */
export function stateAddress(): usize {
  return changetype<usize>(state);
}

/**
 * Starts a scan. Limits: entries, bytes of a path or link target, bytes of an extended header, components of a path, bytes of
 * an entry's extended attributes, extents of a sparse file, bytes of a file.
 */
export function configure(
  maxEntries: u32,
  maxPathBytes: u32,
  maxPaxBytes: u32,
  maxDepth: u32,
  maxXattrBytes: u32,
  maxExtents: u32,
  maxEntryBytes: f64,
): void {
  state.maxXattrBytes = maxXattrBytes;
  state.maxExtents = maxExtents;
  state.maxEntryBytes = <u64>maxEntryBytes;
  state.maxEntries = maxEntries;
  state.maxPathBytes = maxPathBytes;
  state.maxPaxBytes = maxPaxBytes;
  state.maxDepth = maxDepth;
  const longBytes = (maxPathBytes + 1 + 63) & ~63;
  state.longName = (<u32>__heap_base + 63) & ~63;
  state.longLink = state.longName + longBytes;
  state.pax = state.longLink + longBytes;
  state.recordsStart = state.pax + ((maxPaxBytes + 63) & ~63);
  state.recordsEnd = state.recordsStart;
  state.cursor = state.recordsStart;
  state.longNameBytes = -1;
  state.longLinkBytes = -1;
  state.paxBytes = -1;
  if (!s.ensure(4096)) return;
  expectBlock(s.EXPECT_HEADER);
}

/** Forgets the complete records; the facade has copied them. Only between entries. */
export function drain(): bool {
  if (state.cursor !== state.recordsEnd) return false;
  state.cursor = state.recordsStart;
  state.recordsEnd = state.recordsStart;
  return true;
}

function expectBlock(what: u32): void {
  state.expect = what;
  state.target = <u32>HEADER;
  state.need = 512;
}

/** The `need` bytes are at `target`: looks at them, and says what is needed next. */
export function advance(): void {
  state.skip = 0;
  state.padding = 0;
  const expect = state.expect;
  if (expect === s.EXPECT_HEADER) takeHeader();
  else if (expect === s.EXPECT_SPARSE_BLOCK) takeSparseBlock();
  else if (expect === s.EXPECT_SPARSE_MAP) takeMapBlock(addMapBlock());
  else if (expect === s.EXPECT_ZERO_BLOCK) {
    if (isZeroBlock()) state.expect = s.ENDED;
    else fail(s.ERROR_LONE_ZERO_BLOCK);
  } else takePayload(expect);
  if (state.expect === s.ENDED) state.need = 0;
  else if (state.expect === s.EXPECT_HEADER || state.expect >= s.EXPECT_SPARSE_BLOCK) expectBlock(state.expect);
}

function takeHeader(): void {
  state.blockOffset = <f64>state.offset;
  state.pathBytes = 0;
  if (isZeroBlock()) {
    state.expect = s.EXPECT_ZERO_BLOCK;
    return;
  }
  state.offset += 512;
  const stored = headerNumber(HEADER + 148, 8);
  const sum = headerSum();
  if (malformed || (stored !== <i64>sum && stored !== <i64>signedHeaderSum())) {
    fail(s.ERROR_CHECKSUM, <f64>stored, <f64>sum, HEADER + 148, 8);
    return;
  }
  const flag = load<u8>(HEADER + 156);
  if (flag === 120 || flag === 88) takeExtended(s.EXPECT_PAX);
  else if (flag === 103) takeExtended(s.EXPECT_GLOBAL_PAX);
  else if (flag === 76) takeExtended(s.EXPECT_LONG_NAME);
  else if (flag === 75) takeExtended(s.EXPECT_LONG_LINK);
  else if (flag === 86) skipLabel();
  else takeEntry(flag);
}

/** 'V': the archive's label, no file. GNU tar gives it no data. */
function skipLabel(): void {
  const bytes = sizeField();
  state.padding = <u32>((512 - (bytes & 511)) & 511);
  state.skip = <f64>(bytes + state.padding);
  state.offset += bytes + state.padding;
}

/** A header whose data describes the entry after it: asks for the data. */
function takeExtended(what: u32): void {
  const bytes = sizeField();
  if (state.error !== 0) return;
  const isName = what === s.EXPECT_LONG_NAME || what === s.EXPECT_LONG_LINK;
  if (isName && bytes > state.maxPathBytes + 1) {
    fail(s.ERROR_LIMIT_PATH, <f64>(bytes - 1), <f64>state.maxPathBytes);
    return;
  }
  if (!isName && bytes > state.maxPaxBytes) {
    fail(s.ERROR_LIMIT_PAX, <f64>bytes, <f64>state.maxPaxBytes);
    return;
  }
  if (!isName && state.paxBytes >= 0) {
    fail(s.ERROR_REPEATED_PAX);
    return;
  }
  state.payloadPadding = <u32>((512 - (bytes & 511)) & 511);
  state.offset += bytes + state.payloadPadding;
  state.expect = what;
  state.need = <u32>bytes;
  if (what === s.EXPECT_LONG_NAME) state.target = state.longName;
  else if (what === s.EXPECT_LONG_LINK) state.target = state.longLink;
  else state.target = state.pax;
  if (what !== s.EXPECT_GLOBAL_PAX) state.pending = 1;
  if (bytes === 0) takePayload(what);
}

/** The data of an extended header has come. */
function takePayload(what: u32): void {
  const bytes = state.need;
  if (what === s.EXPECT_PAX) {
    state.paxBytes = bytes;
    parsePax(state.pax, bytes);
  } else if (what === s.EXPECT_GLOBAL_PAX) {
    parseGlobalPax(state.pax, bytes);
  } else {
    const at: usize = state.target;
    let length: u32 = 0;
    while (length < bytes && load<u8>(at + length) !== 0) length++;
    if (what === s.EXPECT_LONG_NAME) state.longNameBytes = length;
    else state.longLinkBytes = length;
  }
  state.skip = state.payloadPadding;
  state.padding = state.payloadPadding;
  state.expect = s.EXPECT_HEADER;
}
