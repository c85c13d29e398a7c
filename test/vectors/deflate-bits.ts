/**
 * Assembles deflate streams bit by bit (RFC 1951, section 3.1.1), to have blocks that no compressor would write.
 * Numbers go lowest bit first, Huffman codes highest bit first.
 */
export class DeflateBits {
  readonly #bits: number[] = [];

  number(value: number, count: number): this {
    for (let i = 0; i < count; i++) this.#bits.push((value >>> i) & 1);
    return this;
  }

  code(value: number, count: number): this {
    for (let i = count - 1; i >= 0; i--) this.#bits.push((value >>> i) & 1);
    return this;
  }

  /** Block header: type 0 stored, 1 fixed, 2 dynamic. */
  block(type: number, last = true): this {
    return this.number(last ? 1 : 0, 1).number(type, 2);
  }

  /** The counts of a dynamic block and its code length code lengths, given in the order 16, 17, 18, 0, 8, 7, 9 .. */
  dynamic(literals: number, distances: number, codeLengthLengths: readonly number[]): this {
    this.block(2).number(literals - 257, 5).number(distances - 1, 5).number(codeLengthLengths.length - 4, 4);
    for (const length of codeLengthLengths) this.number(length, 3);
    return this;
  }

  /** Symbol of the fixed literal code, section 3.2.6. */
  fixedLiteral(symbol: number): this {
    if (symbol < 144) return this.code(0x30 + symbol, 8);
    if (symbol < 256) return this.code(0x190 + symbol - 144, 9);
    return symbol < 280 ? this.code(symbol - 256, 7) : this.code(0xc0 + symbol - 280, 8);
  }

  align(): this {
    while (this.#bits.length % 8 !== 0) this.#bits.push(0);
    return this;
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(Math.ceil(this.#bits.length / 8));
    for (const [i, bit] of this.#bits.entries()) bytes[i >> 3]! |= bit << (i & 7);
    return bytes;
  }
}
