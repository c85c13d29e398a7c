import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { isLocked } from "../../bridge/index.ts";
import { ContainerPaths } from "../../runtime/container-paths.ts";
import { readContainerRecord } from "../../runtime/container-record.ts";
import { containerIds } from "../../store/container-files.ts";
import type { Checkup } from "./checkup.ts";

/** Checks the records and directories of containers, and that names and containers agree. */
export function checkContainers(checkup: Checkup): void {
  const { layout } = checkup;
  for (const id of containerIds(layout)) checkContainer(checkup, new ContainerPaths(layout, id));
  checkNames(checkup);
}

function checkContainer(checkup: Checkup, paths: ContainerPaths): void {
  const short = paths.id.slice(0, 12);
  const object = `container ${short}`;
  let name: string;
  try {
    name = readContainerRecord(paths).name;
  } catch {
    checkup.add({
      code: "container-record",
      object,
      problem: existsSync(paths.record) ? "has a record that cannot be read" : "has no record",
      users: [],
      remedy: `Its files are in ${paths.upper}; copy what you need and remove it with gantry rm -f ${short}.`,
    });
    return;
  }
  checkName(checkup, paths, name);
  for (const [file, path] of [
    ["status.json", paths.status],
    ["config.json", paths.spec],
    ["shim.json", paths.shimConfig],
  ] as const) {
    if (!existsSync(path) || isJson(path)) continue;
    checkup.add({
      code: "container-file",
      object: `${object}: ${file}`,
      problem: "cannot be read",
      users: [name],
      remedy:
        file === "status.json"
          ? "Move it into quarantine; the container then counts as never started."
          : "Move it into quarantine: it is made again at the next start.",
      repair: () => {
        if (!isLocked(paths.shimLock)) checkup.setAside(path);
      },
    });
  }
  for (const directory of [paths.upper, paths.work, paths.rootfs]) {
    if (existsSync(directory)) continue;
    const lost = directory === paths.upper;
    checkup.add({
      code: "container-file",
      object: `${object}: ${lost ? "upper/" : directory.slice(paths.directory.length + 1)}`,
      problem: lost ? "is lost, and with it what the container changed" : "is not there",
      users: [name],
      remedy: "Make it again, empty.",
      repair: () => {
        mkdirSync(directory, { mode: lost ? 0o755 : 0o700 });
      },
    });
  }
}

function checkName(checkup: Checkup, paths: ContainerPaths, name: string): void {
  const link = checkup.layout.containerName(name);
  const holder = targetOf(link);
  if (holder === paths.id) return;
  checkup.add({
    code: "container-name",
    object: `container ${paths.id.slice(0, 12)}`,
    problem:
      holder === undefined ? `has the name ${name}, which does not lead to it` : `has the name of container ${holder}`,
    users: [name],
    ...(holder === undefined
      ? { remedy: "Make the name's link again.", repair: () => symlinkSync(paths.id, link) }
      : { remedy: `Use its id; or remove it with gantry rm ${paths.id.slice(0, 12)}.` }),
  });
}

/** Links to containers that are not there, and that nobody is making (one in the making holds its name already). */
function checkNames(checkup: Checkup): void {
  const { layout } = checkup;
  const makers = readdirSync(layout.tmpDir());
  for (const name of listing(layout.containerNamesDir())) {
    const link = layout.containerName(name);
    const id = targetOf(link);
    if (id !== undefined && existsSync(layout.container(id))) continue;
    if (id !== undefined && makers.some((maker) => existsSync(join(layout.tmpDir(), maker, id)))) continue;
    checkup.add({
      code: "name-dangling",
      object: `container-names/${name}`,
      problem: id === undefined ? "is no link to a container" : `leads to container ${id.slice(0, 12)}, which is gone`,
      users: [],
      remedy: "Remove it.",
      repair: () => {
        if (id === undefined) checkup.setAside(link);
        else unlinkSync(link);
      },
    });
  }
}

function targetOf(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}

function listing(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function isJson(path: string): boolean {
  try {
    JSON.parse(readFileSync(path, "utf8"));
    return true;
  } catch {
    return false;
  }
}
