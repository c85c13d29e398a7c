/** One installed package as a package manager's database has it. */
export interface InstalledPackage {
  manager: "dpkg" | "apk" | "rpm";
  name: string;
  version: string;
  architecture: string;
}
