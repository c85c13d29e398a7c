import type { InstalledPackage } from "./package.ts";

/** A package that two trees do not have in the same version. */
export interface PackageChange {
  kind: "added" | "changed" | "deleted";
  manager: InstalledPackage["manager"];
  name: string;
  /** Empty where the database does not say. */
  architecture: string;
  /** Version in the first tree; undefined: it was added. Several installed at once (kernels, say) are joined by ", ". */
  from?: string;
  to?: string;
}

/** The packages that differ, sorted by name, architecture and manager. */
export function diffPackages(a: readonly InstalledPackage[], b: readonly InstalledPackage[]): PackageChange[] {
  const from = byIdentity(a);
  const to = byIdentity(b);
  const changes: PackageChange[] = [];
  for (const key of new Set([...from.keys(), ...to.keys()])) {
    const [before, after] = [from.get(key), to.get(key)];
    const left = versions(before);
    const right = versions(after);
    if (left === right) continue;
    const { manager, name, architecture } = (before ?? after)![0]!;
    changes.push({
      kind: left === undefined ? "added" : right === undefined ? "deleted" : "changed",
      manager,
      name,
      architecture,
      ...(left === undefined ? {} : { from: left }),
      ...(right === undefined ? {} : { to: right }),
    });
  }
  const key = (change: PackageChange): string => `${change.name}\0${change.architecture}\0${change.manager}`;
  return changes.sort((x, y) => (key(x) < key(y) ? -1 : 1));
}

function byIdentity(packages: readonly InstalledPackage[]): Map<string, InstalledPackage[]> {
  const found = new Map<string, InstalledPackage[]>();
  for (const one of packages) {
    const key = `${one.manager}\0${one.name}\0${one.architecture}`;
    const same = found.get(key);
    if (same === undefined) found.set(key, [one]);
    else same.push(one);
  }
  return found;
}

function versions(packages: readonly InstalledPackage[] | undefined): string | undefined {
  return packages
    ?.map(({ version }) => version)
    .sort()
    .join(", ");
}
