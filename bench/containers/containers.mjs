// A container's start and end, and what keeps an idle one: gantry beside every peer that is installed.
import { readFileSync, readdirSync } from "node:fs";
import { median, must, ScratchDisk, shell } from "../measure.mjs";
import { tools } from "../peers.mjs";

const ULIMITS = "--ulimit nofile=1024:1024 --ulimit nproc=1000:1000";
const run = (flags) => (cli) => `${cli} run ${flags} --rm --network none busybox true`;
const once = (image, flags) => (cli) => `${cli} load -q -i ${image.archive} && ${run(flags)(cli)}`;

/** As the operations of ../images/operations.mjs. */
export const operations = {
  run: {
    title: "run --rm --network none IMAGE true",
    images: ["busybox"],
    repeat: 20,
    needsShell: true,
    contenders: (image) => [
      ...["gantry", "docker"].map((tool) => [tool, { label: `${tool} run`, setup: once(image, ""), command: run("") }]),
      ["podman", { label: "podman run", setup: once(image, ULIMITS), command: run(ULIMITS) }],
      ["node", { label: "node -e 0, for scale", aside: true, command: () => "node -e 0" }],
    ],
  },
};

/** Printed as tables of their own. */
export const groups = {
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
