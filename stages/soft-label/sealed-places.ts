import { exampleStarts } from '#datasets/example-blocks.ts';
import { grown } from '#datasets/grown.ts';
import { IdIndex } from '#datasets/id-index.ts';
import type { SoftLabelReader } from '#datasets/soft-labels/soft-labels.ts';

/** The rows of one example in a sealed artifact. */
export interface SealedPlace {
  readonly reader: SoftLabelReader;
  readonly shard: number;
  readonly from: number;
  readonly count: number;
}

/** Where each example lies in sealed artifacts: about 35 bytes an example, and no object. */
export class SealedPlaces {
  readonly #index = new IdIndex();
  /** By number of the example: where its rows begin in their shard. */
  #froms = new Int32Array(SMALLEST);
  #counts = new Int32Array(SMALLEST);
  /** 1 where the corpus has the example. */
  #seen = new Uint8Array(SMALLEST);
  /** In the order in which they were added, each with the number of its first example that was new. */
  readonly #shards: { reader: SoftLabelReader; shard: number; first: number }[] = [];

  /** Takes the examples of a shard in, but for those that an earlier one has. Reads ids alone. */
  async add(reader: SoftLabelReader, shard: number): Promise<void> {
    const exampleIds = await reader.readIds(shard);
    this.#shards.push({ reader, shard, first: this.#index.size });
    const starts = exampleStarts(exampleIds);
    for (const [at, from] of starts.slice(0, -1).entries()) {
      const number = this.#index.size;
      if (this.#index.add(exampleIds[from] ?? '') < number) continue;
      if (number === this.#froms.length) this.#grow();
      this.#froms[number] = from;
      this.#counts[number] = (starts[at + 1] ?? from) - from;
    }
  }

  has(exampleId: string): boolean {
    return this.#index.has(exampleId);
  }

  get(exampleId: string): SealedPlace | undefined {
    const number = this.#index.find(exampleId);
    if (number === undefined) return undefined;
    const file = this.#shards.findLast(({ first }) => first <= number);
    if (file === undefined) return undefined;
    const [from = 0, count = 0] = [this.#froms[number], this.#counts[number]];
    return { reader: file.reader, shard: file.shard, from, count };
  }

  /** As `get`, of an example that the corpus has: see `countUnseen`. */
  see(exampleId: string): SealedPlace | undefined {
    const number = this.#index.find(exampleId);
    if (number === undefined) return undefined;
    this.#seen[number] = 1;
    return this.get(exampleId);
  }

  /** How many examples of these files were added here and never seen. */
  async countUnseen(readers: readonly SoftLabelReader[]): Promise<number> {
    const counted = new Uint8Array(this.#index.size);
    let unseen = 0;
    for (const reader of readers) {
      for (const shard of reader.shards.keys()) {
        for (const exampleId of await reader.readIds(shard)) {
          const number = this.#index.find(exampleId);
          if (number === undefined || this.#seen[number] === 1 || counted[number] === 1) continue;
          counted[number] = 1;
          unseen += 1;
        }
      }
    }
    return unseen;
  }

  #grow(): void {
    this.#froms = grown(this.#froms, Int32Array);
    this.#counts = grown(this.#counts, Int32Array);
    this.#seen = grown(this.#seen, Uint8Array);
  }
}

const SMALLEST = 1024;
