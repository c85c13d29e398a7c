import { describe, expect, it } from "vitest";
import { parseApkInstalled } from "../../../src/image/packages/apk.ts";
import { diffPackages } from "../../../src/image/packages/diff-packages.ts";
import { parseDpkgStatus } from "../../../src/image/packages/dpkg.ts";
import { Random } from "../../oracles/random.ts";

const STATUS = `Package: adduser
Status: install ok installed
Priority: important
Architecture: all
Version: 3.134
Description: add and remove users
 This package includes commands
 Package: not a field, but a line of the description

Package: old
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: hold ok installed
Architecture: amd64
Multi-Arch: same
Version: 2.36-9+deb12u9
Conffiles:
 /etc/ld.so.conf.d/x86_64-linux-gnu.conf d4e7a7b88a71b5ffd9e2644e71a0cfab`;

const INSTALLED = `C:Q1qKcZ+j23xssAXmgQhkOO8dHnbWw=
P:alpine-baselayout
V:3.6.5-r0
A:x86_64
F:dev
R:null

C:Q1
P:musl
V:1.2.5-r0
A:x86_64
`;

describe("package databases", () => {
  it("of dpkg: installed packages, without those of which only the configuration is left", () => {
    expect(parseDpkgStatus(Buffer.from(STATUS))).toEqual([
      { manager: "dpkg", name: "adduser", version: "3.134", architecture: "all" },
      { manager: "dpkg", name: "libc6", version: "2.36-9+deb12u9", architecture: "amd64" },
    ]);
  });

  it("of distroless images: a paragraph without a status is installed", () => {
    const one = "Package: tzdata\r\nArchitecture: all\r\nVersion: 2024a-0\r\n";
    expect(parseDpkgStatus(Buffer.from(one))).toEqual([
      { manager: "dpkg", name: "tzdata", version: "2024a-0", architecture: "all" },
    ]);
  });

  it("of apk", () => {
    expect(parseApkInstalled(Buffer.from(INSTALLED)).map(({ name, version }) => `${name} ${version}`)).toEqual([
      "alpine-baselayout 3.6.5-r0",
      "musl 1.2.5-r0",
    ]);
  });

  it("may be damaged in any way without an exception, and in linear time", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = new Random(seed);
      const bytes = Buffer.from(random.chance(50) ? STATUS : INSTALLED);
      for (let edits = random.below(20); edits > 0; edits--) bytes[random.below(bytes.length)] = random.below(256);
      for (const { name } of [...parseDpkgStatus(bytes), ...parseApkInstalled(bytes)]) expect(name).not.toBe("");
    }
    expect(parseDpkgStatus(Buffer.alloc(4_000_000, "\n"))).toEqual([]);
    expect(parseDpkgStatus(Buffer.alloc(4_000_000, ":"))).toEqual([]);
  });

  it("are compared by name and architecture; versions side by side are one change", () => {
    const rpm = (name: string, version: string) => ({ manager: "rpm" as const, name, version, architecture: "x86_64" });
    expect(
      diffPackages([rpm("kernel", "1"), rpm("bash", "5")], [rpm("kernel", "2"), rpm("kernel", "1"), rpm("zsh", "5")]),
    ).toEqual([
      { kind: "deleted", manager: "rpm", name: "bash", architecture: "x86_64", from: "5" },
      { kind: "changed", manager: "rpm", name: "kernel", architecture: "x86_64", from: "1", to: "1, 2" },
      { kind: "added", manager: "rpm", name: "zsh", architecture: "x86_64", to: "5" },
    ]);
  });
});
