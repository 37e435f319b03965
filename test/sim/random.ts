// The one source of randomness of a simulation: sfc32, seeded by splitmix32.
// Small, fast, and the same on every platform and release, which Math.random
// and library generators do not promise.

// Taken once: in the context of a test every global costs a look-up.
const { floor, imul } = Math;

/** A seeded generator. Two of the same seed give the same numbers for ever. */
export class Random {
  readonly #lanes: [number, number, number, number];

  /** Every 32-bit seed gives another sequence; `stream` separates independent uses of one seed. */
  constructor(seed: number, stream = "") {
    let mixed = seed >>> 0;
    for (const char of stream) mixed = imul(mixed ^ char.charCodeAt(0), 0x01000193) >>> 0;
    const next = () => {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let word = mixed;
      word = imul(word ^ (word >>> 16), 0x21f0aaad);
      word = imul(word ^ (word >>> 15), 0x735a2d97);
      return (word ^ (word >>> 15)) >>> 0;
    };
    this.#lanes = [next(), next(), next(), next()];
  }

  /** A number at least 0 and below 1. */
  next(): number {
    const lanes = this.#lanes;
    const [a, b, c, counter] = lanes;
    const sum = (a + b + counter) | 0;
    lanes[3] = (counter + 1) | 0;
    lanes[0] = b ^ (b >>> 9);
    lanes[1] = (c + (c << 3)) | 0;
    lanes[2] = (((c << 21) | (c >>> 11) | 0) + sum) | 0;
    return (sum >>> 0) / 4_294_967_296;
  }

  /** An integer, both ends included. */
  int(min: number, max: number): number {
    return min + floor(this.next() * (max - min + 1));
  }

  /** True so often, of one. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One element. */
  pick<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }
}
