import { describe, expect, it } from "vitest";
import { diffConfigs } from "../../../src/image/config-diff.ts";
import { squashedConfig } from "../../../src/image/squashed-config.ts";
import type { ImageConfig, RunConfig } from "../../../src/image/types.ts";

const digest = (letter: string) => `sha256:${letter.repeat(64)}` as const;
const image = (config: RunConfig, rest: Partial<ImageConfig> = {}): ImageConfig => ({
  architecture: "amd64",
  os: "linux",
  config,
  rootfs: { type: "layers", diff_ids: [digest("a"), digest("b"), digest("c")] },
  ...rest,
});

describe("the difference of two configs", () => {
  it("takes unset, empty and null for the same, and ignores how an image came about", () => {
    expect(
      diffConfigs(
        image({ Env: null, Cmd: [], User: "", Labels: {} }, { created: "2020-01-01T00:00:00Z", history: [] }),
        image({}, { created: "2021-01-01T00:00:00Z" }),
      ),
    ).toEqual([]);
  });

  it("names each variable, label, port and volume, and values as wholes", () => {
    expect(
      diffConfigs(
        image({ Env: ["A=1", "B=2"], Cmd: ["sh"], ExposedPorts: { "80/tcp": {} } }),
        image({ Env: ["B=3", "C=x=y"], Cmd: ["sh", "-l"], Labels: { k: "v" } }, { architecture: "arm64" }),
      ),
    ).toEqual([
      { kind: "changed", field: "Architecture", from: "amd64", to: "arm64" },
      { kind: "changed", field: "Cmd", from: '["sh"]', to: '["sh","-l"]' },
      { kind: "deleted", field: "Env", key: "A", from: "1" },
      { kind: "changed", field: "Env", key: "B", from: "2", to: "3" },
      { kind: "added", field: "Env", key: "C", to: "x=y" },
      { kind: "deleted", field: "ExposedPorts", key: "80/tcp", from: "" },
      { kind: "added", field: "Labels", key: "k", to: "v" },
    ]);
  });

  it("does not compare a container's platform, which it has none of", () => {
    expect(diffConfigs(image({ Cmd: ["a"] }), { config: { Cmd: ["a"] } })).toEqual([]);
  });
});

describe("the config of a squashed image", () => {
  const options = { created: "2024-01-01T00:00:00Z", createdBy: "squash", comment: "why" };

  it("has a step with a layer for each layer", () => {
    const history = [
      { created_by: "one" },
      { created_by: "env", empty_layer: true },
      { created_by: "two" },
      { created_by: "three" },
    ];
    const config = squashedConfig(image({}, { history, extra: 1 }), { ...options, keep: 1, diffId: digest("d") });
    expect(config.rootfs.diff_ids).toEqual([digest("a"), digest("d")]);
    expect(config["extra"]).toBe(1);
    expect(config.history).toEqual([
      { created_by: "one" },
      { created_by: "env", empty_layer: true },
      { created_by: "two", empty_layer: true },
      { created_by: "three", empty_layer: true },
      { created: options.created, created_by: "squash", comment: "why" },
    ]);
  });

  it("has no history where the image's did not fit its layers", () => {
    const config = image({}, { history: [{ created_by: "only" }] });
    expect(squashedConfig(config, { ...options, keep: 0, diffId: digest("d") }).history).toBeUndefined();
  });
});
