import { expect, it } from "vitest";
import {
  encodeControl,
  encodeFrame,
  FrameDecoder,
  STREAM_CONTROL,
  STREAM_STDERR,
  STREAM_STDIN,
  STREAM_STDOUT,
} from "../../../src/runtime/attach-protocol.ts";

const bytes = (text: string): Buffer => Buffer.from(text, "latin1");

it("frames as Docker multiplexes", () => {
  expect(encodeFrame(STREAM_STDERR, bytes("ab")).toString("hex")).toBe("02000000" + "00000002" + "6162");
  expect(encodeFrame(STREAM_STDIN, bytes("")).toString("hex")).toBe("0000000000000000");
  expect(encodeControl({ signal: 15 }).toString("latin1")).toBe('\x03\0\0\0\0\0\0\x0d{"signal":15}');
});

it("gives the same output and messages however the bytes are cut", () => {
  const stream = Buffer.concat([
    encodeFrame(STREAM_STDOUT, bytes("hello ")),
    encodeFrame(STREAM_STDOUT, bytes("")),
    encodeFrame(STREAM_STDERR, bytes("oops")),
    encodeFrame(STREAM_STDOUT, bytes("x".repeat(3000))),
    encodeFrame(STREAM_CONTROL, bytes('{"exit":{"code":7,"oomKilled":false}}')),
  ]);
  for (const size of [1, 2, 3, 7, 8, 9, 100, 4096]) {
    const seen: Record<number, string> = { [STREAM_STDOUT]: "", [STREAM_STDERR]: "" };
    const messages: unknown[] = [];
    const decoder = new FrameDecoder({
      output: (channel, piece) => (seen[channel] = `${seen[channel] ?? ""}${Buffer.from(piece).toString("latin1")}`),
      control: (message) => messages.push(message),
    });
    for (let at = 0; at < stream.length; at += size) decoder.push(stream.subarray(at, at + size));
    expect(seen).toEqual({ [STREAM_STDOUT]: `hello ${"x".repeat(3000)}`, [STREAM_STDERR]: "oops" });
    expect(messages).toEqual([{ exit: { code: 7, oomKilled: false } }]);
  }
});
