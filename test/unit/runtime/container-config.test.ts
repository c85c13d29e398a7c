import { describe, expect, it } from "vitest";
import type { RunConfig } from "../../../src/image/types.ts";
import { type ContainerRequest, mergeConfig } from "../../../src/runtime/container-config.ts";

const ID = "0123456789abcdef".repeat(4);
const image: RunConfig = {
  Env: ["PATH=/bin", "A=image", "B=image"],
  Entrypoint: ["/entry", "--flag"],
  Cmd: ["default"],
  User: "web",
  WorkingDir: "/srv",
  Labels: { kept: "1", changed: "image" },
  StopSignal: "SIGQUIT",
};
const merge = (request: Partial<ContainerRequest>, of: RunConfig = image): ReturnType<typeof mergeConfig> =>
  mergeConfig(of, { image: "busybox", command: [], ...request }, ID, "thehost");

describe("the command line", () => {
  it("is entry point and command of the image", () => {
    expect(merge({}).args).toEqual(["/entry", "--flag", "default"]);
  });
  it("replaces the command by what follows the image", () => {
    expect(merge({ command: ["x", "y"] }).args).toEqual(["/entry", "--flag", "x", "y"]);
  });
  it("drops the image's command with its entry point", () => {
    expect(merge({ entrypoint: "/mine", command: ["x"] }).args).toEqual(["/mine", "x"]);
    expect(merge({ entrypoint: "/mine" }).args).toEqual(["/mine"]);
    expect(merge({ entrypoint: "", command: ["x"] }).args).toEqual(["x"]);
  });
  it("must not be empty", () => {
    expect(() => merge({ entrypoint: "" })).toThrow(expect.objectContaining({ code: "CONTAINER_CONFIG_INVALID" }));
    expect(() => merge({}, {})).toThrow("no command specified");
  });
});

it("lays the user's environment over the image's, the user's first", () => {
  expect(merge({ env: ["B=mine", "C=mine", "C=last"] }).config.Env).toEqual([
    "B=mine",
    "C=last",
    "PATH=/bin",
    "A=image",
  ]);
});

it("joins labels, the user's win", () => {
  expect(merge({ labels: { changed: "mine", more: "" } }).config.Labels).toEqual({
    kept: "1",
    changed: "mine",
    more: "",
  });
});

it("takes the rest from the image unless told otherwise", () => {
  expect(merge({}).config).toMatchObject({ User: "web", WorkingDir: "/srv", StopSignal: "SIGQUIT" });
  expect(merge({ user: "0", workdir: "/", stopSignal: "TERM" }).config).toMatchObject({
    User: "0",
    WorkingDir: "/",
    StopSignal: "TERM",
  });
});

it("names the host after the container, or as the host where it shares its network", () => {
  expect(merge({}).config.Hostname).toBe("0123456789ab");
  expect(merge({ hostConfig: { NetworkMode: "host" } }).config.Hostname).toBe("thehost");
  expect(merge({ hostname: "mine" }).config.Hostname).toBe("mine");
});

it("refuses a relative working directory", () => {
  expect(() => merge({ workdir: "srv" })).toThrow(expect.objectContaining({ code: "CONTAINER_CONFIG_INVALID" }));
});
