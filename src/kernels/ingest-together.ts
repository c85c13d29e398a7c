import { type HashLane, HashLanes } from "./hash-lanes.ts";
import { type LayerFacts, type LayerIngest, LayerPass } from "./ingest-layer.ts";

/** Rounds between two looks at the thread's messages: about 2 ms. */
const ROUNDS_A_TURN = 4;
/** What each layer should have given to its lane when all are hashed. */
const SHARE_BYTES = 64 * 1024;

interface Running {
  pass: LayerPass;
  /** The lane of its tar, which is most of what is hashed. */
  tar: HashLane;
  resolve: (facts: LayerFacts) => void;
  reject: (error: unknown) => void;
}

/**
 * Takes in up to four layers by turns, in one thread, hashing them side by side: three or four together take as long as
 * two one after the other. A fifth must wait until one is done.
 */
export class LayersTogether {
  /** A compressed layer is two streams: its bytes as received, and its tar. */
  readonly #received = new HashLanes();
  readonly #tars = new HashLanes();
  readonly #running = new Set<Running>();
  #turning = false;

  /** @throws what ingestLayer throws */
  async ingest(job: LayerIngest): Promise<LayerFacts> {
    const opened: HashLane[] = [];
    const pass = await LayerPass.open(job, () => {
      const lane = (opened.length === 0 ? this.#received : this.#tars).open();
      opened.push(lane);
      return lane;
    });
    return await new Promise((resolve, reject) => {
      this.#running.add({ pass, tar: opened.at(-1) as HashLane, resolve, reject });
      if (!this.#turning) void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    this.#turning = true;
    for (let round = 1; this.#running.size > 0; round++) {
      for (const running of this.#running) this.#advance(running);
      this.#received.flushFull();
      this.#tars.flushFull();
      if (round % ROUNDS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      this.#waitIfAllDo();
    }
    this.#turning = false;
  }

  /** Up to its share: a layer that compresses well is not to run ahead of the others. */
  #advance(running: Running): void {
    const { pass, tar } = running;
    try {
      while (tar.gathered < SHARE_BYTES && !pass.waiting) {
        const facts = pass.step();
        if (facts === undefined) continue;
        this.#running.delete(running);
        running.resolve(facts);
        return;
      }
    } catch (error) {
      this.#running.delete(running);
      running.reject(error);
    }
  }

  #waitIfAllDo(): void {
    const [first, ...others] = [...this.#running].map((running) => running.pass);
    if (first?.waiting === true && others.every((pass) => pass.waiting)) first.wait();
  }
}
