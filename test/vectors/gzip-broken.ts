import { DeflateBits } from "./deflate-bits.ts";

const HEADER = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/** A fixed block with only its end, CRC 0, size 0: the empty file. */
const EMPTY = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/** Enough for any decoder to find the error before the end. */
const FILLING = new Uint8Array(16).fill(0xff);

const bits = (): DeflateBits => new DeflateBits();
const after = (header: readonly number[], ...parts: Iterable<number>[]): Uint8Array =>
  Uint8Array.from([...header, ...parts.flatMap((part) => [...part])]);
const block = (content: DeflateBits): Uint8Array => after(HEADER, content.bytes(), FILLING);

/** Code length code lengths that give symbols 0, 1, 18 and 8 two bits each: in code order 0, 1, 8, 18. */
const FOUR = [0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
const ZERO = 0;
const ONE = 1;
const EIGHT = 2;
const ZEROS = 3;
/** 256 lengths of 0. */
const skip256 = (b: DeflateBits): DeflateBits => b.code(ZEROS, 2).number(127, 7).code(ZEROS, 2).number(107, 7);

/** gzip streams each with one fault, and what an error must say about it. */
export const BROKEN_GZIP: readonly { fault: string; stream: Uint8Array; says: RegExp }[] = [
  { fault: "nothing at all", stream: new Uint8Array(0), says: /is empty/ },
  { fault: "another format", stream: Buffer.from("PK\x03\x04 and so on"), says: /magic 1f 8b/ },
  { fault: "half a magic", stream: after([0x1f, 0x8c], EMPTY), says: /magic 1f 8b/ },
  { fault: "an unknown method", stream: after([0x1f, 0x8b, 7, 0, 0, 0, 0, 0, 0, 255], EMPTY), says: /method/ },
  { fault: "a reserved flag", stream: after([0x1f, 0x8b, 8, 0x20, 0, 0, 0, 0, 0, 255], EMPTY), says: /reserved/ },
  { fault: "a wrong header CRC", stream: after([0x1f, 0x8b, 8, 2, 0, 0, 0, 0, 0, 255, 1, 2], EMPTY), says: /header's CRC/ },
  { fault: "a header without end", stream: after([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255, 97, 98]), says: /truncated/ },
  { fault: "block type 3", stream: block(bits().block(3)), says: /type 3/ },
  {
    fault: "a stored length without its complement",
    stream: block(bits().block(0).align().number(5, 16).number(5, 16)),
    says: /stored block's length/,
  },
  { fault: "287 literal codes", stream: block(bits().dynamic(287, 1, [1, 1, 0, 0])), says: /too many symbols/ },
  { fault: "31 distance codes", stream: block(bits().dynamic(257, 31, [1, 1, 0, 0])), says: /too many symbols/ },
  { fault: "an over-subscribed code length code", stream: block(bits().dynamic(257, 1, [1, 1, 1, 0])), says: /code length code/ },
  { fault: "an incomplete code length code", stream: block(bits().dynamic(257, 1, [2, 2, 2, 0])), says: /code length code/ },
  { fault: "a code length code of nothing", stream: block(bits().dynamic(257, 1, [0, 0, 0, 0])), says: /code length code/ },
  { fault: "a repeat of nothing", stream: block(bits().dynamic(257, 1, [1, 1, 0, 0]).code(0, 1).number(0, 2)), says: /repeat/ },
  {
    fault: "too long a repeat",
    stream: block(skip256(bits().dynamic(257, 1, FOUR)).code(ZEROS, 2).number(0, 7)),
    says: /repeat/,
  },
  {
    fault: "no code for the end of block",
    stream: block(skip256(bits().dynamic(257, 1, FOUR)).code(ZERO, 2).code(ZERO, 2)),
    says: /end-of-block/,
  },
  {
    fault: "an over-subscribed literal code",
    stream: block(
      bits().dynamic(257, 1, FOUR).code(ONE, 2).code(ONE, 2).code(ZEROS, 2).number(127, 7).code(ZEROS, 2).number(105, 7).code(ONE, 2).code(ZERO, 2),
    ),
    says: /literal code is not/,
  },
  {
    fault: "an incomplete literal code",
    stream: block(skip256(bits().dynamic(257, 1, FOUR)).code(EIGHT, 2).code(ZERO, 2)),
    says: /literal code is not/,
  },
  {
    fault: "an incomplete distance code",
    stream: block(skip256(bits().dynamic(257, 2, FOUR)).code(ONE, 2).code(EIGHT, 2).code(EIGHT, 2)),
    says: /distance code is not a/,
  },
  {
    fault: "an over-subscribed distance code",
    stream: block(skip256(bits().dynamic(257, 3, FOUR)).code(ONE, 2).code(ONE, 2).code(ONE, 2).code(ONE, 2)),
    says: /distance code is not a/,
  },
  { fault: "literal symbol 286", stream: block(bits().block(1).fixedLiteral(286)), says: /literal or length code is not in use/ },
  {
    fault: "distance symbol 30",
    stream: block(bits().block(1).fixedLiteral(97).fixedLiteral(257).code(30, 5)),
    says: /distance code is not in use/,
  },
  {
    fault: "a distance before the beginning",
    stream: block(bits().block(1).fixedLiteral(97).fixedLiteral(257).code(1, 5)),
    says: /reaches back before/,
  },
  {
    fault: "a distance into the member before",
    stream: after(
      HEADER,
      bits().block(0).align().number(2, 16).number(0xfffd, 16).number(0x6261, 16).bytes(),
      [0x6d, 0x48, 0x83, 0x9e, 2, 0, 0, 0],
      block(bits().block(1).fixedLiteral(257).code(0, 5)),
    ),
    says: /reaches back before/,
  },
  { fault: "a wrong CRC", stream: after(HEADER, [3, 0, 1, 0, 0, 0, 0, 0, 0, 0]), says: /CRC-32/ },
  { fault: "a wrong size", stream: after(HEADER, [3, 0, 0, 0, 0, 0, 1, 0, 0, 0]), says: /number of decompressed/ },
  { fault: "garbage after the end", stream: after(HEADER, EMPTY, [0x50]), says: /follow the last member/ },
  { fault: "garbage after padding", stream: after(HEADER, EMPTY, [0, 0, 0x1f]), says: /follow the last member/ },
  { fault: "a second member that is none", stream: after(HEADER, EMPTY, [0x1f, 0x8d, 8]), says: /magic 1f 8b/ },
  { fault: "a second member without end", stream: after(HEADER, EMPTY, HEADER), says: /truncated/ },
];
