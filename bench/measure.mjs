// Times whole commands in alternation (A B C A B C ...), each run on a fresh file system of its own, and takes medians.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const TICKS_A_SECOND = 100;
const SECTOR_BYTES = 512;
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
    this.device = basename(must(`findmnt -n -o SOURCE ${this.path}`));
  }

  /** Bytes written to the disk so far, once everything is there. */
  bytesWritten() {
    must(`sync -f ${this.path}`);
    return Number(readFileSync(`/sys/block/${this.device}/stat`, "utf8").trim().split(/\s+/)[6]) * SECTOR_BYTES;
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

/** Most memory that the daemon's own process has had since the last reset, in MB; 0 without a daemon. */
function daemonPeakMb(pid) {
  if (pid === undefined) return 0;
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;
}

/**
 * Runs each contender `runs` times in turn. A contender is { label, prepare?(disk) -> context, command(context, disk),
 * daemon?(context) -> pid, cleanup?(context) }; `command` returns a shell command; only that is timed. With `repeat` it
 * is run so many times in a row: a start too short to be timed alone.
 * Returns rows { label, wall, cpu, peakMb, writtenMb, runs } for one run, medians (peak: the largest, client or daemon).
 */
export function compare(contenders, { runs = 5, repeat = 1, diskGb = 12, warm = [] } = {}) {
  const samples = new Map(contenders.map(({ label }) => [label, []]));
  for (let run = 0; run < runs; run++) {
    for (const contender of contenders) samples.get(contender.label).push(sample(contender, { repeat, diskGb, warm }));
  }
  return contenders.map((contender) => summary(contender, samples.get(contender.label)));
}

function sample(contender, { repeat, diskGb, warm }) {
  const disk = new ScratchDisk(diskGb);
  let context;
  try {
    context = contender.prepare?.(disk.path);
    if (warm.length > 0) must(`cat ${warm.join(" ")} >/dev/null`);
    const writtenBefore = disk.bytesWritten();
    const pid = contender.daemon?.(context);
    const cpuBefore = cpuOf(pid);
    const report = join(disk.work, "time");
    const once = contender.command(context, disk.path);
    const command = repeat === 1 ? once : `for i in $(seq ${repeat}); do ${once} || exit 1; done`;
    const result = shell(`exec /usr/bin/time -f '%e %U %S %M' -o ${report} bash -c ${quote(command)}`, {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (result.status !== 0) return { failed: result.stderr.slice(-300) };
    const [wall, user, system, peak] = readFileSync(report, "utf8").trim().split("\n").at(-1).split(" ").map(Number);
    return {
      wall: wall / repeat,
      cpu: (user + system + cpuOf(pid) - cpuBefore) / repeat,
      peakMb: Math.max(peak / 1024, daemonPeakMb(pid)),
      writtenMb: (disk.bytesWritten() - writtenBefore) / 1e6 / repeat,
    };
  } catch (error) {
    return { failed: error.message.slice(0, 300) };
  } finally {
    contender.cleanup?.(context);
    disk.remove();
  }
}

function summary({ label, tool, aside }, all) {
  const failed = all.find((one) => one.failed !== undefined);
  if (failed) return { label, tool, failed: failed.failed };
  const column = (name) => all.map((one) => one[name]);
  return {
    label,
    tool,
    ...(aside ? { aside } : {}),
    wall: median(column("wall")),
    cpu: median(column("cpu")),
    peakMb: Math.max(...column("peakMb")),
    writtenMb: median(column("writtenMb")),
    runs: all.length,
  };
}

const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
