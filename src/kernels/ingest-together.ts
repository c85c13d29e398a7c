import { HashLanes, type StreamHash } from "./hash-lanes.ts";
import { type LayerFacts, type LayerIngest, LayerPass } from "./ingest-layer.ts";

/** Rounds between two looks at the thread's messages: about 2 ms. */
const ROUNDS_A_TURN = 4;

interface Running {
  pass: LayerPass;
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
    const fresh: (() => StreamHash)[] = [() => this.#received.open(), () => this.#tars.open()];
    const pass = await LayerPass.open(job, () => (fresh.shift() as () => StreamHash)());
    return await new Promise((resolve, reject) => {
      this.#running.add({ pass, resolve, reject });
      if (!this.#turning) void this.#turn();
    });
  }

  async #turn(): Promise<void> {
    this.#turning = true;
    for (let round = 1; this.#running.size > 0; round++) {
      for (const running of this.#running) this.#step(running);
      this.#received.flush();
      this.#tars.flush();
      if (round % ROUNDS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
      this.#waitIfAllDo();
    }
    this.#turning = false;
  }

  #step(running: Running): void {
    try {
      const facts = running.pass.step();
      if (facts === undefined) return;
      this.#running.delete(running);
      running.resolve(facts);
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
