import { expect, test } from "vitest";
import { NOUNS } from "../../../src/cli/commands/index.ts";
import { type Completion, completeLine } from "../../../src/cli/framework/complete.ts";

const asked: string[] = [];
const complete = (...words: string[]): Promise<Completion> => {
  asked.length = 0;
  return completeLine(words, NOUNS, (kind, root) => {
    asked.push(root === "" ? kind : `${kind} in ${root}`);
    const names = kind === "image" ? ["debian:12", "debian:sid", "host:5000/busybox:latest"] : ["web", "worker"];
    return Promise.resolve(names.map((value) => ({ value, says: "" })));
  });
};
const values = async (...words: string[]): Promise<string[]> =>
  (await complete(...words)).candidates.map(({ value }) => value);

test("commands and groups, by their first letters, with their summaries", async () => {
  expect(await values("im")).toEqual(["image", "images", "import"]);
  expect((await complete("sav")).candidates).toEqual([
    { value: "save", says: "Save one or more images to a tar archive (streamed to STDOUT by default)" },
  ]);
  expect(await values("image", "l")).toEqual(expect.arrayContaining(["list", "load", "ls"]));
  expect(await values("__")).toEqual([]);
});

test("images and containers, where the command takes them", async () => {
  expect(await values("rmi", "debian")).toEqual(["debian:12", "debian:sid"]);
  expect(await values("save", "debian:12", "h")).toEqual(["host:5000/busybox:latest"]);
  expect(await values("rm", "-f", "w")).toEqual(["web", "worker"]);
  expect(asked).toEqual(["container"]);
  await values("stop", "");
  expect(asked).toEqual(["running-container"]);
});

test("no more names than the command takes", async () => {
  expect(await values("history", "debian:12", "")).toEqual([]);
  expect(await values("history", "")).toHaveLength(3);
});

test("names of the store that the line names", async () => {
  await values("--root", "/srv/a", "rmi", "");
  expect(asked).toEqual(["image in /srv/a"]);
  await values("rmi", "--root=/srv/b", "");
  expect(asked).toEqual(["image in /srv/b"]);
});

test("options, and after an option its value", async () => {
  expect(await values("rmi", "--fo")).toEqual(["--force"]);
  expect(await values("load", "--progress", "")).toEqual(["auto", "plain", "tty", "json", "quiet"]);
  expect(await values("load", "--progress=j")).toEqual(["--progress=json"]);
  expect(await values("images", "--digests=")).toEqual(["--digests=true", "--digests=false"]);
  expect(await complete("load", "-i", "")).toEqual({ candidates: [], files: true });
  expect(await complete("load", "--input=")).toEqual({ candidates: [], files: true });
  expect(await complete("load", "-qi", "")).toEqual({ candidates: [], files: true });
  expect(await values("--ro")).toEqual(["--root"]);
});

test("what follows a container's image belongs to its command", async () => {
  expect(await values("run", "--rm", "-e", "A=b", "debian:1")).toEqual(["debian:12"]);
  expect(await complete("run", "debian:12", "--fo")).toEqual({ candidates: [], files: true });
  expect(await complete("rmi", "--", "--fo")).toMatchObject({ candidates: [] });
});

test("a line that makes no sense has nothing to offer", async () => {
  for (const line of [
    ["nonsense", ""],
    ["image", "nonsense", ""],
    ["rmi", "--nonsense=", ""],
    [],
    ["--nonsense", "x"],
  ]) {
    expect((await complete(...line)).files).toBe(false);
  }
});
