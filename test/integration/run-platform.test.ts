import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatPlatform, hostPlatform } from "../../src/image/platform.ts";
import { BUSYBOX, cannotRunBusybox } from "../tools/busybox.ts";
import { TestStore } from "../tools/gantry.ts";
import { tarOf } from "../tools/make-archive.ts";
import { LayoutMaker, type MadeImage } from "../tools/make-layout.ts";

const HOST = formatPlatform(hostPlatform());
const FOREIGN = hostPlatform().architecture === "s390x" ? "linux/riscv64" : "linux/s390x";

describe.skipIf(cannotRunBusybox())("create and run of an image", () => {
  const store = new TestStore();
  const run = (...args: string[]): { status: number | null; out: string; says: string } => {
    const { status, stdout, stderr } = store.try(args);
    return { status, out: stdout.toString().trim(), says: stderr.toString() };
  };
  const warning = `WARNING: The requested image's platform (${FOREIGN}) does not match the detected host platform (${HOST}) and no specific platform was requested\n`;

  beforeAll(async () => {
    const layout = new LayoutMaker();
    const host = readFileSync(BUSYBOX);
    const foreign = Buffer.from(host);
    // e_machine of ELF: no machine, so that no emulator takes it.
    foreign.writeUInt16LE(0x4242, 18);
    const image = async (platform: string, program: Buffer): Promise<MadeImage> =>
      layout.image(platform, [
        await tarOf([
          [{ name: "bin/busybox", mode: 0o755 }, program],
          [{ name: "platform" }, `${platform}\n`],
        ]),
      ]);
    const images = [await image(FOREIGN, foreign), await image(HOST, host)];
    layout.list(layout.index(images.map(({ manifest }) => manifest)), "both:1");
    writeFileSync(store.path("both.tar"), await tarOf([...layout.entries()]));
    store.run("load", "-i", store.path("both.tar"));
    layout.listed.splice(0, layout.listed.length);
    layout.list(images[0]!.manifest, "foreign:1");
    writeFileSync(store.path("foreign.tar"), await tarOf([...layout.entries()]));
    store.run("load", "-i", store.path("foreign.tar"));
  });
  afterAll(() => {
    store.dispose();
  });

  it("for several platforms takes the machine's own, without a word", () => {
    expect(run("run", "--rm", "both:1", "/bin/busybox", "cat", "/platform")).toEqual({
      status: 0,
      out: HOST,
      says: "",
    });
  });

  it("takes the one that --platform or DOCKER_DEFAULT_PLATFORM names, the flag first", () => {
    const platformOf = (container: string): string =>
      store
        .try(["cp", `${container}:/platform`, "-"])
        .stdout.toString("latin1", 512)
        .split("\n")[0]!;
    expect(run("create", "--name", "c1", "--platform", FOREIGN, "both:1", "/bin/busybox")).toMatchObject({
      status: 0,
      says: "",
    });
    expect(platformOf("c1")).toBe(FOREIGN);
    const env = { DOCKER_DEFAULT_PLATFORM: FOREIGN };
    expect(store.try(["create", "--name", "c2", "both:1", "/bin/busybox"], { env }).status).toBe(0);
    expect(platformOf("c2")).toBe(FOREIGN);
    expect(store.try(["create", "--name", "c3", "--platform", HOST, "both:1", "/bin/busybox"], { env }).status).toBe(0);
    expect(platformOf("c3")).toBe(HOST);
  });

  it("for another machine warns in Docker's words and says what exec says", () => {
    const ran = run("run", "--rm", "foreign:1", "/bin/busybox", "true");
    expect(ran.says).toContain(warning);
    expect(ran.says).toMatch(/exec format error/i);
    expect(ran.status).toBe(126);
    expect(run("create", "--name", "c4", "foreign:1", "/bin/busybox")).toMatchObject({ status: 0, says: warning });
    // Who asks for it knows.
    expect(run("run", "--rm", "--platform", FOREIGN, "both:1", "/bin/busybox", "true").says).not.toContain("WARNING");
  });

  it("without the platform that is asked for is refused, and nothing is made", () => {
    const before = run("ps", "-aq").out;
    const refused = run("run", "--platform", "linux/mips64le", "both:1", "true");
    expect(refused.status).toBe(125);
    expect(refused.says).toMatch(/does not match the specified platform: wanted linux\/mips64le, actual: /);
    expect(run("create", "--platform", "a/b/c/d", "both:1", "true").says).toContain("invalid platform");
    expect(run("ps", "-aq").out).toBe(before);
  });
});
