import { chooseDriver, driverFacts, type DriverChoice } from "./choose-driver.ts";
import type { ChainStore } from "./publish-chain.ts";
import type { Snapshotter } from "./snapshotter.ts";

/**
 * The snapshotter for this machine, or the one that `driver`, else GANTRY_SNAPSHOTTER, asks for.
 * @throws USAGE, SNAPSHOTTER_UNSUPPORTED
 */
export async function openSnapshotter(store: ChainStore, options: { driver?: string } = {}): Promise<Snapshotter> {
  const { driver } = await currentDriver(store.layout.root, options.driver);
  if (driver === "unpack") return new (await import("./unpack-snapshotter.ts")).UnpackSnapshotter(store);
  return new (await import("./erofs-snapshotter.ts")).ErofsSnapshotter(store, driver);
}

/**
 * What `openSnapshotter` would choose for the store at `root`, and why.
 * @throws USAGE, SNAPSHOTTER_UNSUPPORTED
 */
async function currentDriver(root: string, requested = process.env["GANTRY_SNAPSHOTTER"]): Promise<DriverChoice> {
  const facts = driverFacts();
  if (!facts.hasErofs && facts.mayMount && requested !== "unpack") {
    // Asking for the file system makes the kernel load its module, where there is one.
    const { probeErofsFile } = await import("../bridge/index.ts");
    facts.hasErofs = probeErofsFile(root).supported || driverFacts().hasErofs;
  }
  return chooseDriver(requested, facts);
}
