import { Sha256x4 } from "./sha256.ts";

/** What hashes one stream as it goes by: a Sha256, or one of four lanes. */
export interface StreamHash {
  /** Room for the stream's next bytes, never empty; fetch it anew after each call. */
  readonly input: Uint8Array;
  /** Takes the first `bytes` bytes of `input`. */
  consumeInput(bytes: number): void;
  update(bytes: Uint8Array): void;
  /** Ends the stream: the digest in hexadecimal digits. */
  digestHex(): string;
}

type Lane = 0 | 1 | 2 | 3;
const LANES = [0, 1, 2, 3] as const;

/** What a lane can hold besides the kernel's input: decompressors give much at a time. */
const SPARE_BYTES = 1 << 20;
/** SIMD lanes pay from three on. */
const WORTHWHILE = 3;

/**
 * Up to four streams hashed side by side in one thread, in twice the time of one. Lanes gather bytes, which are hashed at
 * `flushFull`, when a lane has no more room, and when it ends: it gains where all have been given about as much by then.
 */
export class HashLanes {
  readonly #hash = new Sha256x4();
  /** Bytes in the kernel's input, and those that wait for it, of each lane. */
  readonly #filled: [number, number, number, number] = [0, 0, 0, 0];
  readonly #spare = LANES.map(() => new SpareBytes());
  readonly #free: Lane[] = [3, 2, 1, 0];

  /** A lane for a new stream. Throws if all four are taken. */
  open(): HashLane {
    const lane = this.#free.pop();
    if (lane === undefined) throw new RangeError("all four lanes are taken");
    return new HashLane(this, lane);
  }

  /** Hashes what the lanes have gathered, if one of them is full; what some have beyond the others may wait. */
  flushFull(): void {
    if (this.#fullLanes() > 0) this.#flush();
  }

  #flush(): void {
    do {
      this.#hash.consume(this.#filled);
      for (const lane of LANES) this.#refill(lane);
    } while (this.#fullLanes() >= WORTHWHILE);
  }

  #fullLanes(): number {
    return LANES.filter((lane) => this.#filled[lane] === this.#capacity(lane)).length;
  }

  /** @internal */
  gathered(lane: Lane): number {
    return this.#filled[lane] + (this.#spare[lane] as SpareBytes).length;
  }

  /** @internal */
  room(lane: Lane): Uint8Array {
    while (this.#filled[lane] === this.#capacity(lane)) this.#flush();
    return this.#hash.inputs[lane].subarray(this.#filled[lane]);
  }

  /** @internal */
  take(lane: Lane, bytes: number): void {
    this.#filled[lane] += bytes;
  }

  /** @internal Returns how many of the bytes it took. */
  gather(lane: Lane, bytes: Uint8Array): number {
    const spare = this.#spare[lane] as SpareBytes;
    const piece = spare.length > 0 ? 0 : Math.min(bytes.length, this.#capacity(lane) - this.#filled[lane]);
    this.#hash.inputs[lane].set(bytes.subarray(0, piece), this.#filled[lane]);
    this.#filled[lane] += piece;
    const rest = spare.put(bytes.subarray(piece));
    if (piece + rest < bytes.length) this.#flush();
    return piece + rest;
  }

  /** @internal */
  end(lane: Lane): string {
    while (this.gathered(lane) > 0) {
      const own = LANES.map((other) => (other === lane ? this.#filled[lane] : 0));
      this.#hash.consume(own as [number, number, number, number]);
      this.#refill(lane);
    }
    this.#free.push(lane);
    return this.#hash.digestHex(lane);
  }

  #capacity(lane: Lane): number {
    return this.#hash.inputs[lane].length;
  }

  #refill(lane: Lane): void {
    this.#filled[lane] = (this.#spare[lane] as SpareBytes).move(this.#hash.inputs[lane]);
  }
}

/** Bytes that wait, first in, first out. */
class SpareBytes {
  #bytes: Uint8Array | undefined;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** Takes as many as there is room for; returns how many. */
  put(bytes: Uint8Array): number {
    if (bytes.length === 0) return 0;
    this.#bytes ??= new Uint8Array(SPARE_BYTES);
    if (this.#end + bytes.length > SPARE_BYTES) {
      this.#bytes.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const piece = Math.min(bytes.length, SPARE_BYTES - this.#end);
    this.#bytes.set(bytes.subarray(0, piece), this.#end);
    this.#end += piece;
    return piece;
  }

  /** Moves the first ones into `target`; returns how many. */
  move(target: Uint8Array): number {
    const piece = Math.min(this.length, target.length);
    if (piece > 0) target.set((this.#bytes as Uint8Array).subarray(this.#start, this.#start + piece));
    this.#start += piece;
    return piece;
  }
}

/** One stream of HashLanes. `digestHex`, also of a stream that is given up, frees the lane. */
export class HashLane implements StreamHash {
  readonly #lanes: HashLanes;
  readonly #lane: Lane;

  /** Made by HashLanes.open. */
  constructor(lanes: HashLanes, lane: Lane) {
    this.#lanes = lanes;
    this.#lane = lane;
  }

  /** Bytes that are not yet hashed. */
  get gathered(): number {
    return this.#lanes.gathered(this.#lane);
  }

  get input(): Uint8Array {
    return this.#lanes.room(this.#lane);
  }

  consumeInput(bytes: number): void {
    this.#lanes.take(this.#lane, bytes);
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.#lanes.gather(this.#lane, bytes.subarray(at));
  }

  digestHex(): string {
    return this.#lanes.end(this.#lane);
  }
}
