import { expect, it } from "vitest";
import { ExecutionError, TemplateError } from "../../src/cli/format/go-template/template-error.ts";
import { compileTemplate } from "../../src/cli/format/go-template/template.ts";
import { applyChanges } from "../../src/image/instructions/apply-changes.ts";
import { parsePlatform } from "../../src/image/platform.ts";
import { familiarReference, formatReference, fullTagName, parseReference } from "../../src/image/reference.ts";
import type { RunConfig } from "../../src/image/types.ts";
import { alteredText, outcome, timeBoxed, TIMEOUT_MS } from "./time-boxed.ts";

const TEMPLATES = [
  "{{.ID}}\t{{.Repository}}:{{.Tag}}",
  "{{json .}}{{range $i, $v := .List}}{{if eq $v 1}}{{$i}}{{else if gt $v 2}}-{{end}}{{end}}",
  '{{printf "%-20s|%5d|%q" .ID 5 "x\\n"}}{{with .Map}}{{.key}}{{else}}none{{end}}',
  '{{join .Names ", "}} {{len .List}} {{index .Map "key"}} {{slice .ID 0 3 | upper | title}}',
  '{{define "t"}}{{.}}{{end}}{{template "t" .ID}}{{/* comment */}}{{- .ID -}}',
  "table {{.ID}}\\t{{truncate .ID 2}}{{println .List}}",
];
const TEMPLATE_WORDS = [
  "{{",
  "}}",
  ".",
  "|",
  "$x := ",
  '"',
  "`",
  "(",
  ")",
  "range ",
  "end",
  "else ",
  "if ",
  "-1",
  "1e9",
  "'a'",
  "printf ",
  '"%*d%!z%v%+v%[9]d" ',
  "index ",
  "slice ",
  "split ",
  "nil",
  "\\",
  " 99999999999999999999 ",
];
const DATA = {
  ID: "sha256:0123456789",
  Repository: "r",
  Tag: "t",
  List: [1, 2, 3],
  Names: ["a", "b"],
  Map: { key: "v" },
};

it("no template does anything but print, or say what is wrong with it", { timeout: TIMEOUT_MS }, async () => {
  let printed = 0;
  const known = (error: unknown): boolean => error instanceof TemplateError || error instanceof ExecutionError;
  await timeBoxed((random) => {
    const source = alteredText(random.pick(TEMPLATES), random, TEMPLATE_WORDS);
    const result = outcome(() => compileTemplate(source).execute(DATA), known);
    if (!result.startsWith("refused: ")) printed++;
  });
  expect(printed).toBeGreaterThan(0);
});

const REFERENCES = [
  "debian",
  "registry.example:5000/team/app:1.2-rc@sha256:" + "a".repeat(64),
  "localhost/x_y/z__a",
  "[::1]:80/a:b",
  "docker.io/library/debian:latest",
];

it("a reference that is read is read the same again from how it is written", { timeout: TIMEOUT_MS }, async () => {
  await timeBoxed((random) => {
    const text = alteredText(random.pick(REFERENCES), random, [
      "/",
      ":",
      "@",
      "sha256:",
      ".",
      "-",
      "__",
      "A",
      "docker.io",
      "library/",
      "\u00e9",
      "",
    ]);
    const reference = outcome(() => parseReference(text));
    if (typeof reference === "string") return;
    const again = parseReference(formatReference(reference));
    expect(again).toEqual(reference);
    const full = outcome(() => fullTagName(text));
    // The familiar form of docker.io/a.b/c is a.b/c, which is another one's: with Docker as well.
    const isTaken = /^docker\.io\/(?!library\/)[^/]*[.:][^/]*\/|^docker\.io\/localhost\//.test(full);
    if (!full.startsWith("REFERENCE_INVALID") && !isTaken) expect(fullTagName(familiarReference(full))).toBe(full);
  });
});

it("no platform is read that cannot be", { timeout: TIMEOUT_MS }, async () => {
  await timeBoxed((random) => {
    outcome(() => parsePlatform(alteredText("linux/arm64/v8", random, ["/", "windows", "(", ")", "amd64", ",", ""])));
  });
});

const CHANGES = [
  'CMD ["sh", "-c", "echo hi"]',
  "ENV A=b C=\"d e\" F='g'",
  "ENV PATH $PATH:/x${Y:-z}",
  "EXPOSE 80/tcp 8000-8010 53/udp",
  'LABEL a="b" c=d',
  "HEALTHCHECK --interval=5s --retries=3 CMD curl -f http://x || exit 1",
  'VOLUME ["/data", "/more"]',
  "USER 1000:1000",
  "WORKDIR rel/ative\nONBUILD RUN x\nSTOPSIGNAL SIGTERM",
  "ENTRYPOINT exec top \\\n # comment\n -b",
];
const CHANGE_WORDS = [
  "\\",
  "\n",
  '"',
  "'",
  "$",
  "${",
  "}",
  ":-",
  ":+",
  "[",
  "]",
  ",",
  "=",
  "--interval=",
  "1h",
  "-1",
  "99999999",
  "#",
  "ENV ",
  "CMD ",
  "ONBUILD ",
  "\t",
  "\0",
];

it("no change of a config does anything but change it, or say what is wrong", { timeout: TIMEOUT_MS }, async () => {
  const before: RunConfig = { Env: ["PATH=/bin", "Y="], Cmd: ["x"], Labels: { a: "1" } };
  await timeBoxed((random) => {
    const lines = [random.pick(CHANGES), random.pick(CHANGES)].map((line) => alteredText(line, random, CHANGE_WORDS));
    const after = outcome(() => applyChanges(before, lines));
    if (typeof after === "string") return;
    // What comes out is a config that JSON holds.
    expect(JSON.parse(JSON.stringify(after))).toEqual(after);
    expect(before).toEqual({ Env: ["PATH=/bin", "Y="], Cmd: ["x"], Labels: { a: "1" } });
  });
});
