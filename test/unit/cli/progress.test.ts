import { describe, expect, it } from "vitest";
import type { ProgressEvent } from "../../../src/events/progress.ts";
import type { TextOutput } from "../../../src/cli/framework/context.ts";
import { JsonRenderer } from "../../../src/cli/progress/json-renderer.ts";
import { PlainRenderer } from "../../../src/cli/progress/plain-renderer.ts";
import { secondsText } from "../../../src/cli/progress/progress-text.ts";
import type { Renderer } from "../../../src/cli/progress/renderer.ts";
import { TtyRenderer } from "../../../src/cli/progress/tty-renderer.ts";

const MB = 1_000_000;

class Screen implements TextOutput {
  readonly fd = -1;
  readonly isTerminal = true;
  readonly columns = 80;
  writes: string[] = [];
  write(text: string): void {
    this.writes.push(text);
  }
}

/** Two layers of 100 MB, one after the other at 100 MB/s, an event every 10 ms. */
function play(renderer: Renderer, clock: { now: number }, until = Infinity): void {
  const emit = (event: ProgressEvent): void => renderer.event(event);
  emit({ kind: "start", task: "a", label: "layer a", totalBytes: 100 * MB });
  emit({ kind: "start", task: "b", label: "layer b", totalBytes: 100 * MB });
  for (const task of ["a", "b"]) {
    for (let i = 1; i <= 100; i++) {
      clock.now += 10;
      if (clock.now > until) return;
      emit({ kind: "advance", task, doneBytes: i * MB });
    }
    emit({ kind: "done", task });
  }
}

/** What a terminal shows of this: it knows cursor up, erase below, carriage return and colours. */
function onScreen(writes: readonly string[]): string[] {
  const lines: string[] = [""];
  let row = 0;
  for (const part of writes.join("").split(/(\x1b\[\d*[A-Za-z]|\n|\r)/)) {
    const up = /^\x1b\[(\d+)A$/.exec(part);
    if (up !== null) row -= Number(up[1]);
    else if (part === "\x1b[J") {
      lines.length = row + 1;
      lines[row] = "";
    } else if (part === "\n") lines[++row] ??= "";
    else if (!part.startsWith("\x1b") && part !== "\r") lines[row] = (lines[row] ?? "") + part;
  }
  return lines;
}

describe("on a terminal", () => {
  it("each running layer has a line with amount, rate and time left, and all together one", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    play(new TtyRenderer(screen, { clock: () => clock.now, colour: false }), clock, 500);
    expect(onScreen(screen.writes)).toEqual([
      "layer a  [==============>              ]  50MB of 100MB (50%)  102MB/s, 1s left",
      "layer b  waiting, 100MB",
      "0 of 2 done, 50MB of 200MB (25%), 100MB/s, 2s left",
      "",
    ]);
  });

  it("at most one frame is drawn every 100 ms", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    play(new TtyRenderer(screen, { clock: () => clock.now, colour: false }), clock);
    expect(screen.writes.length).toBeLessThanOrEqual(20);
  });

  it("layers that are done leave their lines, nothing else stays", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    const renderer = new TtyRenderer(screen, { clock: () => clock.now, colour: true });
    play(renderer, clock);
    renderer.close();
    expect(onScreen(screen.writes)).toEqual(["layer a  100MB in 1.0s", "layer b  100MB in 1.0s", ""]);
  });

  it("what was cancelled leaves no live lines", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    const renderer = new TtyRenderer(screen, { clock: () => clock.now, colour: false });
    play(renderer, clock, 500);
    renderer.close();
    expect(onScreen(screen.writes)).toEqual([""]);
  });

  it("what is over in a moment shows nothing", () => {
    const screen = new Screen();
    const renderer = new TtyRenderer(screen, { clock: () => 0, colour: true });
    renderer.event({ kind: "start", task: "a", label: "a", totalBytes: 5 });
    renderer.event({ kind: "done", task: "a" });
    renderer.close();
    expect(screen.writes).toEqual([]);
  });

  it("warnings stand above the live lines", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    const renderer = new TtyRenderer(screen, { clock: () => clock.now, colour: false });
    play(renderer, clock, 500);
    renderer.event({ kind: "message", level: "warning", text: "socket skipped" });
    expect(onScreen(screen.writes)[0]).toBe("warning: socket skipped");
  });

  it("colours are written only where wanted", () => {
    for (const colour of [true, false]) {
      const screen = new Screen();
      const clock = { now: 0 };
      play(new TtyRenderer(screen, { clock: () => clock.now, colour }), clock);
      expect(/\x1b\[\d+m/.test(screen.writes.join(""))).toBe(colour);
    }
  });
});

describe("into a pipe", () => {
  it("plain text is a rare line on the whole, and nothing for what is quick", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    play(new PlainRenderer(screen, () => clock.now), clock);
    expect(screen.writes).toEqual([]);
    const slow = new PlainRenderer(screen, () => clock.now);
    slow.event({ kind: "start", task: "a", label: "saving", totalBytes: 200 * MB });
    for (let i = 1; i <= 110; i++) {
      clock.now += 100;
      slow.event({ kind: "advance", task: "a", doneBytes: i * MB });
    }
    expect(screen.writes).toEqual([
      "saving, 50MB of 200MB (25%), 10MB/s, 15s left\n",
      "saving, 100MB of 200MB (50%), 10MB/s, 10s left\n",
    ]);
  });

  it("JSON is an event a line, advances at most every 100 ms a task", () => {
    const screen = new Screen();
    const clock = { now: 0 };
    play(new JsonRenderer(screen, () => clock.now), clock);
    const events = screen.writes.map((line) => JSON.parse(line) as ProgressEvent);
    expect(events.filter(({ kind }) => kind === "advance").length).toBeLessThanOrEqual(22);
    expect(events.at(-1)).toEqual({ kind: "done", task: "b" });
  });
});

it("time left is short to read", () => {
  expect([0, 0.2, 59, 60, 125, 3600, 7322].map(secondsText)).toEqual([
    "0s",
    "1s",
    "59s",
    "1m00s",
    "2m05s",
    "1h00m",
    "2h02m",
  ]);
});
