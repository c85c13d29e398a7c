// A container's start and end, and what keeps an idle one: gantry beside every peer that is installed.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { available, tools } from "../peers.mjs";
import { compare, median, must, ScratchDisk, shell, table } from "../measure.mjs";

const ULIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000";

export const groups = {
  run: ({ corpus, runs }) => {
    const archive = join(corpus, "busybox.tar");
    const repeat = Math.max(20, runs * 4);
    // One command is too short to time alone: a loop of them, divided.
    const loop = (command) => `for i in $(seq ${repeat}); do ${command} || exit 1; done`;
    const setup = (cli) => `${cli} load -q -i ${archive} && `;
    const rows = compare(
      [
        { label: "node -e 0", command: () => loop("node -e 0") },
        ...available([
          [
            "gantry",
            "gantry run --rm",
            {
              setup: (cli) => `${setup(cli)} ${cli} run --rm --network none busybox true`,
              command: (cli) => loop(`${cli} run --rm --network none busybox true`),
            },
          ],
          [
            "docker",
            "docker run --rm",
            {
              setup: (cli) => `${setup(cli)} ${cli} run --rm --network none busybox true`,
              command: (cli) => loop(`${cli} run --rm --network none busybox true`),
            },
          ],
          [
            "podman",
            "podman run --rm",
            {
              setup: (cli) => `${setup(cli)} ${cli} run ${ULIMITS} --rm --network none busybox true`,
              command: (cli) => loop(`${cli} run ${ULIMITS} --rm --network none busybox true`),
            },
          ],
        ]),
      ],
      { runs, diskGb: 2 },
    );
    const each = rows.map((row) =>
      row.failed === undefined ? { ...row, wall: row.wall / repeat, cpu: row.cpu / repeat } : row,
    );
    console.log(table(`run --rm --network none busybox true, mean of ${repeat} in a row`, each));
  },
  idle: ({ corpus }) => {
    const disk = new ScratchDisk(2);
    const lines = [];
    for (const [name, process] of Object.entries({
      gantry: "gantry-shim",
      podman: "conmon",
      docker: "containerd-shim",
    })) {
      const tool = tools[name];
      if (!tool.available) continue;
      const context = tool.prepare?.(disk.path) ?? {};
      try {
        const cli = tool.cli(context, disk.path);
        must(`${cli} load -q -i ${corpus}/busybox.tar`);
        const before = new Set(pidsOf(process));
        const ids = [1, 2, 3].map(() =>
          must(`${cli} run -d ${name === "podman" ? ULIMITS : ""} --network none busybox sleep 1000`)
            .split("\n")
            .at(-1),
        );
        shell("sleep 1");
        const sizes = pidsOf(process)
          .filter((pid) => !before.has(pid))
          .map(pssKb);
        lines.push(`| ${name}: ${process} | ${sizes.length > 0 ? median(sizes) : "-"} |`);
        must(`${cli} rm -f ${ids.join(" ")}`);
      } finally {
        tool.cleanup?.(context);
      }
    }
    disk.remove();
    console.log(
      [
        "### memory of the keeper of one idle detached container",
        "",
        "| keeper | PSS, kB |",
        "|---|---|",
        ...lines,
        "",
      ].join("\n"),
    );
  },
};

function pidsOf(name) {
  return readdirSync("/proc").filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/comm`, "utf8").trim() === name.slice(0, 15);
    } catch {
      return false;
    }
  });
}

const pssKb = (pid) => Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))[1]);
