import { ErofsSnapshotter } from "../../src/snapshot/erofs-snapshotter.ts";
import { chooseDriver, driverFacts } from "../../src/snapshot/choose-driver.ts";
import type { SnapshotDriver } from "../../src/snapshot/snapshotter.ts";
import { UnpackSnapshotter } from "../../src/snapshot/unpack-snapshotter.ts";
import { obstacle } from "../suites/chain-store.ts";
import { snapshotterSuite } from "../suites/snapshotter.ts";

const skipOf = (driver: SnapshotDriver): string | undefined => {
  try {
    chooseDriver(driver, driverFacts());
  } catch (error) {
    return (error as Error).message;
  }
  return obstacle();
};

snapshotterSuite({ driver: "erofs", open: (store) => new ErofsSnapshotter(store, "erofs"), skip: skipOf("erofs") });
snapshotterSuite({
  driver: "erofs-loop",
  open: (store) => new ErofsSnapshotter(store, "erofs-loop"),
  skip: skipOf("erofs-loop"),
});
snapshotterSuite({ driver: "unpack", open: (store) => new UnpackSnapshotter(store), skip: skipOf("unpack") });
