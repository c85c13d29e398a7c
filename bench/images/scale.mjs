// How gantry's own cost grows with layers, files and bytes: one image of each size, each operation on it.
import { join } from "node:path";
import { rmSync } from "node:fs";
import { compare } from "../measure.mjs";
import { available } from "../peers.mjs";
import { makeImage } from "./make-image.mjs";

const MB = 1e6;

/** Each series changes one thing and keeps the others. `quick` leaves out the largest, which take minutes to make. */
const SERIES = [
  {
    title: "layers",
    unit: "layers",
    sizes: [1, 3, 10, 30, 100],
    shape: (layers) => ({ layers, files: 2000, bytes: 100 * MB }),
  },
  {
    title: "files",
    unit: "files",
    sizes: [1000, 5000, 20_000, 60_000, 200_000],
    shape: (files) => ({ layers: 4, files, bytes: files * 500 }),
  },
  {
    title: "bytes",
    unit: "MB",
    sizes: [10, 60, 300, 1200, 4000],
    shape: (mb) => ({ layers: 4, files: 400, bytes: mb * MB }),
  },
];

const OPERATIONS = {
  load: { command: (archive) => (cli) => `${cli} load -q -i ${archive}` },
  save: {
    setup: (archive) => (cli) => `${cli} load -q -i ${archive}`,
    command: () => (cli, disk) => `${cli} save -o ${disk}/out.tar scale:1`,
  },
  export: {
    setup: (archive) => (cli) => `${cli} load -q -i ${archive} && ${cli} create --name box scale:1 sh`,
    command: () => (cli, disk) => `${cli} export -o ${disk}/out.tar box`,
  },
  "ls-files": {
    setup: (archive) => (cli) => `${cli} load -q -i ${archive}`,
    command: () => (cli) => `${cli} image ls-files scale:1 >/dev/null`,
  },
};

/** @returns series of { size, seconds: { operation: median } }, and prints each line as it is known */
export function measureScale({ work, runs, quick }) {
  return SERIES.map(({ title, unit, sizes, shape }) => {
    const points = sizes.slice(0, quick ? 3 : undefined).map((size) => {
      const archive = join(work, "scale.tar");
      makeImage(archive, { name: "scale:1", ...shape(size) });
      const seconds = Object.fromEntries(
        Object.entries(OPERATIONS).map(([name, { setup, command }]) => {
          const spec = { label: name, ...(setup && { setup: setup(archive) }), command: command(archive) };
          const [row] = compare(available([["gantry", spec]]), { runs, warm: [archive], diskGb: 24 });
          if (row.failed) throw new Error(`${name} of ${size} ${unit}: ${row.failed}`);
          return [name, row.wall];
        }),
      );
      rmSync(archive);
      console.error(`${title} ${size}: ${JSON.stringify(seconds)}`);
      return { size, seconds };
    });
    return { title, unit, points };
  });
}

export function scaleTable(series) {
  const names = Object.keys(OPERATIONS);
  return series
    .map(({ title, unit, points }) =>
      [
        `**${title}**`,
        "",
        `| ${unit} | ${names.map((name) => `${name} s`).join(" | ")} |`,
        `|---|${names.map(() => "---|").join("")}`,
        ...points.map(
          ({ size, seconds }) => `| ${size} | ${names.map((name) => seconds[name].toFixed(3)).join(" | ")} |`,
        ),
        "",
      ].join("\n"),
    )
    .join("\n");
}
