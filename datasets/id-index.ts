import { createHash } from 'node:crypto';
import { grown } from './grown.ts';

/**
 * Numbers of example ids from 0 on, in the order in which they were added: 16 bytes an id and 8 on average to find
 * it by, where a Map of strings takes 150.
 */
export class IdIndex {
  #keys = new Int32Array(4 * SMALLEST);
  /** Open addressing: number + 1 of the id that lies there, or 0; at most 3 in 4 are taken. */
  #slots = new Int32Array(2 * SMALLEST);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Number of the id, which is its `size` before where the id is new. */
  add(exampleId: string): number {
    if (4 * this.#size >= 3 * this.#slots.length) this.#growSlots();
    writeKey(exampleId, PROBE);
    const slot = this.#slotOf(PROBE, 0);
    const known = this.#slots[slot] ?? 0;
    if (known > 0) return known - 1;
    if (4 * this.#size === this.#keys.length) this.#keys = grown(this.#keys, Int32Array);
    this.#keys.set(PROBE, 4 * this.#size);
    this.#slots[slot] = ++this.#size;
    return this.#size - 1;
  }

  /** Number of the id; undefined where it was never added. */
  find(exampleId: string): number | undefined {
    writeKey(exampleId, PROBE);
    const known = this.#slots[this.#slotOf(PROBE, 0)] ?? 0;
    return known === 0 ? undefined : known - 1;
  }

  has(exampleId: string): boolean {
    return this.find(exampleId) !== undefined;
  }

  /** Where the key at `at` of `keys` lies, or would. */
  #slotOf(keys: Int32Array, at: number): number {
    const mask = this.#slots.length - 1;
    // Bits of SHA-256 need no mixing; ids that count up, as of tests, do.
    let slot = (((keys[at] ?? 0) ^ Math.imul(keys[at + 3] ?? 0, 0x9e3779b1)) >>> 0) & mask;
    for (;;) {
      const known = this.#slots[slot] ?? 0;
      if (known === 0 || isSame(this.#keys, 4 * (known - 1), keys, at)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #growSlots(): void {
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let number = 0; number < this.#size; number++) {
      this.#slots[this.#slotOf(this.#keys, 4 * number)] = number + 1;
    }
  }
}

function isSame(a: Int32Array, from: number, b: Int32Array, at: number): boolean {
  for (let word = 0; word < 4; word++) if (a[from + word] !== b[at + word]) return false;
  return true;
}

/** The 128 bits that 32 hexadecimal digits stand for; of any other name, those of its SHA-256. */
function writeKey(exampleId: string, key: Int32Array): void {
  if (exampleId.length === 32 && writeDigits(exampleId, key)) return;
  writeDigits(createHash('sha256').update(exampleId).digest('hex'), key);
}

/** False where the first 32 characters are not all digits, in small letters. */
function writeDigits(digits: string, key: Int32Array): boolean {
  for (let word = 0; word < 4; word++) {
    let bits = 0;
    for (let place = 8 * word; place < 8 * word + 8; place++) {
      const code = digits.charCodeAt(place);
      const value = code >= 97 && code <= 102 ? code - 87 : code - 48;
      if (value < 0 || value > 15 || (code > 57 && code < 97)) return false;
      bits = (bits << 4) | value;
    }
    key[word] = bits;
  }
  return true;
}

const SMALLEST = 1024;
const PROBE = new Int32Array(4);
