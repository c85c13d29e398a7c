import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { type HashLane, HashLanes } from "../../../src/kernels/hash-lanes.ts";
import { Seeded } from "./seeded.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("streams that come and go, in pieces of any size, have their own digests", () => {
  const lanes = new HashLanes();
  const waiting = [0, 1, 63, 64, 65, 65_536, 65_537, 200_000, 131_072, 7].map((size, i) =>
    new Seeded(i + 1).bytes(size),
  );
  const expected = waiting.map(sha256);
  const found: string[] = [];
  const open: { lane: HashLane; left: Uint8Array; all: Uint8Array }[] = [];
  for (let round = 0; waiting.length > 0 || open.length > 0; round++) {
    while (open.length < 4 && waiting.length > 0) {
      const all = waiting.shift() as Uint8Array;
      open.push({ lane: lanes.open(), left: all, all });
    }
    for (const stream of [...open]) {
      const piece = stream.left.subarray(0, 1 + ((round * 7919 + stream.all.length) % 50_000));
      if (round % 2 === 0) stream.lane.update(piece);
      else {
        const room = stream.lane.input;
        const part = piece.subarray(0, room.length);
        room.set(part);
        stream.lane.consumeInput(part.length);
        stream.left = stream.left.subarray(part.length);
        continue;
      }
      stream.left = stream.left.subarray(piece.length);
    }
    if (round % 3 === 0) lanes.flushFull();
    for (const stream of open.filter(({ left }) => left.length === 0)) {
      expect(stream.lane.digestHex()).toBe(sha256(stream.all));
      found.push(sha256(stream.all));
      open.splice(open.indexOf(stream), 1);
    }
  }
  expect(found.sort()).toEqual(expected.sort());
});

test("there are four lanes, and one that has ended is free again", () => {
  const lanes = new HashLanes();
  const [first] = Array.from({ length: 4 }, () => lanes.open()) as [HashLane];
  expect(() => lanes.open()).toThrow("all four lanes are taken");
  first.update(Buffer.from("abc"));
  expect(first.digestHex()).toBe(sha256(Buffer.from("abc")));
  const again = lanes.open();
  expect(again.digestHex()).toBe(sha256(Buffer.alloc(0)));
});
