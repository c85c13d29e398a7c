import { expect, test } from "vitest";
import { nextThread, threadsAlone } from "../../../src/kernels/share-layers.ts";

test("a layer much larger than the others has a thread of its own", () => {
  expect(threadsAlone([322, 270, 205, 170, 119, 98, 61], 2)).toBe(1);
});

test("layers of one size share all threads", () => {
  expect(threadsAlone(Array<number>(70).fill(3), 2)).toBe(0);
  expect(threadsAlone(Array<number>(70).fill(3), 8)).toBe(0);
});

test("few layers have a thread each, whatever was decided", () => {
  for (const alone of [threadsAlone([7, 7], 2), threadsAlone([9, 1], 4)]) {
    const places = [0, 1].map((thread) => (thread < alone ? 1 : 4));
    expect(nextThread([0, 0], places, 2)).toBe(0);
    expect(nextThread([1, 0], places, 1)).toBe(1);
  }
});

test("a second layer joins only with a third", () => {
  expect(nextThread([1, 1], [1, 4], 1)).toBe(-1);
  expect(nextThread([1, 1], [1, 4], 2)).toBe(1);
  expect(nextThread([1, 2], [1, 4], 1)).toBe(1);
  expect(nextThread([1, 4], [1, 4], 9)).toBe(-1);
  expect(nextThread([0, 0], [4, 4], 0)).toBe(-1);
});
