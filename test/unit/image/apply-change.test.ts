import { describe, expect, it } from "vitest";
import { applyChange } from "../../../src/image/instructions/apply-change.ts";
import type { RunConfig } from "../../../src/image/types.ts";

const base: RunConfig = { Env: ["PATH=/bin", "HOME=/root"], WorkingDir: "/srv" };

describe("a change of an image's config", () => {
  it.each<[string, RunConfig]>([
    ['CMD ["a", "b c"]', { Cmd: ["a", "b c"] }],
    ["CMD echo hi | cat", { Cmd: ["/bin/sh", "-c", "echo hi | cat"] }],
    ["entrypoint /init", { Entrypoint: ["/bin/sh", "-c", "/init"] }],
    ["ENV A=b", { Env: ["PATH=/bin", "HOME=/root", "A=b"] }],
    ['ENV A="b c" D=e\\ f', { Env: ["PATH=/bin", "HOME=/root", "A=b c", "D=e f"] }],
    ["ENV PATH /usr/bin:$PATH", { Env: ["PATH=/usr/bin:/bin", "HOME=/root"] }],
    ["ENV X=${NONE:-word}${HOME:+!}", { Env: ["PATH=/bin", "HOME=/root", "X=word!"] }],
    ["EXPOSE 80 53/udp 8000-8001", { ExposedPorts: { "80/tcp": {}, "53/udp": {}, "8000/tcp": {}, "8001/tcp": {} } }],
    ['LABEL "a b"="c d" e=f', { Labels: { "a b": "c d", e: "f" } }],
    ["USER www:data", { User: "www:data" }],
    ['VOLUME ["/a", "/b c"]', { Volumes: { "/a": {}, "/b c": {} } }],
    ["VOLUME /a /b", { Volumes: { "/a": {}, "/b": {} } }],
    ["WORKDIR sub/../x", { WorkingDir: "/srv/x" }],
    ["WORKDIR /abs", { WorkingDir: "/abs" }],
    ["ONBUILD RUN make", { OnBuild: ["RUN make"] }],
    ["STOPSIGNAL SIGQUIT", { StopSignal: "SIGQUIT" }],
    ["HEALTHCHECK NONE", { Healthcheck: { Test: ["NONE"] } }],
    [
      "HEALTHCHECK --interval=1m30s --retries=3 CMD curl -f x",
      { Healthcheck: { Interval: 90e9, Retries: 3, Test: ["CMD-SHELL", "curl -f x"] } },
    ],
    ['HEALTHCHECK CMD ["true"]', { Healthcheck: { Test: ["CMD", "true"] } }],
  ])("%s", (instruction, expected) => {
    expect(applyChange(base, instruction)).toEqual({ ...base, ...expected });
  });

  it.each([
    "RUN make",
    "",
    "CMD",
    "EXPOSE 70000",
    "EXPOSE x",
    "ENV A",
    "LABEL =x",
    "ONBUILD FROM x",
    "HEALTHCHECK --interval=5 CMD x",
    'ENV A="b',
    "USER ${x",
  ])("refuses %j", (instruction) => {
    expect(() => applyChange(base, instruction)).toThrow(expect.objectContaining({ code: "INSTRUCTION_INVALID" }));
  });

  it("leaves the config it was given alone", () => {
    const before = JSON.stringify(base);
    applyChange(base, "ENV B=c");
    expect(JSON.stringify(base)).toBe(before);
  });
});
