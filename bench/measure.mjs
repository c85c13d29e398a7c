// Times whole commands in alternation (A B C A B C ...), each run on a fresh file system of its own, and reports medians.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const TICKS_A_SECOND = 100;
const env = { ...process.env };
delete env.NODE_EXTRA_CA_CERTS; // costs 28 ms at every start of node

export function shell(command, options = {}) {
  return spawnSync("bash", ["-c", command], {
    encoding: "utf8",
    env: { ...env, ...options.env },
    maxBuffer: 1 << 28,
    ...options,
  });
}

export function must(command, options) {
  const result = shell(command, options);
  if (result.status !== 0) throw new Error(`${command}\n${result.stdout ?? ""}${result.stderr ?? ""}`);
  return (result.stdout ?? "").trim();
}

export const has = (tool) => shell(`command -v ${tool}`).status === 0;
export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * A scratch ext4 in a sparse file of its own: ext4 scans past recently deleted inodes, so a directory in which another tool
 * has just deleted ten thousand files would make the next one ten times slower.
 */
export class ScratchDisk {
  constructor(sizeGb = 12) {
    this.work = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), "gantry-bench-"));
    this.path = join(this.work, "disk");
    mkdirSync(this.path);
    must(
      `truncate -s ${sizeGb}G ${this.work}/image && mkfs.ext4 -q -F -E lazy_itable_init=1,lazy_journal_init=1 ${this.work}/image && mount -o loop ${this.work}/image ${this.path}`,
    );
  }

  remove() {
    must(
      `for i in $(seq 50); do umount -R ${this.path} 2>/dev/null && exit; sleep .1; done; umount -R -l ${this.path}`,
    );
    rmSync(this.work, { recursive: true, force: true });
  }
}

function descendants(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean),
  );
  return [pid, ...children.flatMap((child) => (existsSync(`/proc/${child}`) ? descendants(child) : []))];
}

/** CPU seconds used so far by a daemon and its children, living and reaped; 0 without a daemon. */
function cpuOf(pid) {
  if (pid === undefined) return 0;
  return descendants(pid).reduce((sum, p) => {
    const fields = readFileSync(`/proc/${p}/stat`, "utf8").split(") ")[1].split(" ");
    return sum + fields.slice(11, 15).reduce((a, b) => a + Number(b), 0) / TICKS_A_SECOND;
  }, 0);
}

/**
 * Runs each contender `runs` times in turn. A contender is { label, prepare?(disk) -> context, command(context, disk),
 * daemon?(context) -> pid, cleanup?(context) }; `command` returns a shell command; only that is timed.
 * Returns rows { label, wall, cpu, peakMb, runs } with medians (peak: the largest).
 */
export function compare(contenders, { runs = 5, diskGb = 12, warm = [] } = {}) {
  const samples = new Map(contenders.map(({ label }) => [label, []]));
  for (let run = 0; run < runs; run++) {
    for (const contender of contenders) {
      const disk = new ScratchDisk(diskGb);
      let context;
      try {
        context = contender.prepare?.(disk.path);
        if (warm.length > 0) must(`cat ${warm.join(" ")} >/dev/null`);
        must(`sync -f ${disk.path}`);
        const pid = contender.daemon?.(context);
        const before = cpuOf(pid);
        const report = join(disk.work, "time");
        const command = contender.command(context, disk.path);
        const result = shell(`exec /usr/bin/time -f '%e %U %S %M' -o ${report} bash -c ${quote(command)}`, {
          stdio: ["ignore", "ignore", "pipe"],
        });
        if (result.status !== 0) {
          samples.get(contender.label).push({ failed: result.stderr.slice(-300) });
          continue;
        }
        const [wall, user, system, peak] = readFileSync(report, "utf8")
          .trim()
          .split("\n")
          .at(-1)
          .split(" ")
          .map(Number);
        samples.get(contender.label).push({ wall, cpu: user + system + cpuOf(pid) - before, peakMb: peak / 1024 });
      } finally {
        contender.cleanup?.(context);
        disk.remove();
      }
    }
  }
  return [...samples].map(([label, all]) => {
    const failed = all.find((sample) => sample.failed !== undefined);
    if (failed) return { label, failed: failed.failed };
    const column = (name) => all.map((sample) => sample[name]);
    return {
      label,
      wall: median(column("wall")),
      cpu: median(column("cpu")),
      peakMb: Math.max(...column("peakMb")),
      runs: all.length,
    };
  });
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** A markdown table; the ratio is each contender's wall time over gantry's. */
export function table(title, rows) {
  const own = rows.find((row) => row.label.startsWith("gantry"))?.wall;
  const lines = rows.map((row) =>
    row.failed !== undefined
      ? `| ${row.label} | failed: ${row.failed.replaceAll("\n", " ").slice(0, 120)} | | | |`
      : `| ${row.label} | ${row.wall.toFixed(3)} | ${row.cpu.toFixed(2)} | ${row.peakMb.toFixed(0)} | ${own ? `${(row.wall / own).toFixed(1)}x` : ""} |`,
  );
  return [
    `### ${title}`,
    "",
    "| command | wall s | CPU s (with daemon) | peak MB (client) | against gantry |",
    "|---|---|---|---|---|",
    ...lines,
    "",
  ].join("\n");
}
