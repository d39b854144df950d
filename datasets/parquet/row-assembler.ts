import { UnsupportedFeature } from './errors.ts';
import type { LeafColumn } from './leaf-column.ts';
import { joinValues, type Values } from './plain-decoder.ts';
import { constantLevel, decodeRuns, zeroPlaces } from './runs.ts';

/** A column of one row group. */
export interface DecodedColumn {
  readonly values: Values;
  /** Flat columns with nulls: 0 where a row is null; `values` leaves those rows out. */
  readonly present: Uint8Array | undefined;
  /** Lists: rows + 1. */
  readonly offsets: Int32Array | undefined;
}

/** Levels of a page as they are stored; empty where the column has none. */
export interface EncodedLevels {
  readonly repetition: Buffer;
  readonly definition: Buffer;
}

/** Puts the pages of one column chunk together, row by row. */
export class RowAssembler {
  readonly #column: LeafColumn;
  readonly #rowCount: number;
  readonly #parts: Values[] = [];
  readonly #offsets: Int32Array | undefined;
  #present: Uint8Array | undefined;
  #row = 0;
  #valueCount = 0;
  #lastWasEmpty = true;

  constructor(column: LeafColumn, rowCount: number) {
    this.#column = column;
    this.#rowCount = rowCount;
    this.#offsets = column.isList ? new Int32Array(rowCount + 1) : undefined;
  }

  /** Takes a page; `decode` is asked for as many values as the levels promise. */
  add(levels: EncodedLevels, slots: number, decode: (count: number) => Values): void {
    const before = this.#valueCount;
    const definition = this.#definitionOf(levels.definition, slots);
    if (this.#offsets === undefined) this.#addFlat(definition, slots);
    else if (definition === undefined) this.#addFilledLists(this.#offsets, levels, slots);
    else {
      const repetition = decodeRuns(levels.repetition, 1, new Uint8Array(slots));
      this.#addLists(this.#offsets, repetition, definition);
    }
    this.#parts.push(decode(this.#valueCount - before));
  }

  finish(): DecodedColumn {
    if (this.#row !== this.#rowCount) throw new Error(`${this.#row} of ${this.#rowCount} rows`);
    this.#offsets?.fill(this.#valueCount, this.#rowCount);
    const values = joinValues(this.#parts, this.#column.physicalType);
    return { values, present: this.#present, offsets: this.#offsets };
  }

  /** Levels one by one; undefined where all are the highest: nothing is null or empty. */
  #definitionOf(encoded: Buffer, slots: number): Uint8Array | undefined {
    const { maxDefinition } = this.#column;
    if (maxDefinition === 0 || slots === 0) return undefined;
    if (constantLevel(encoded, slots) === maxDefinition) return undefined;
    return decodeRuns(encoded, 32 - Math.clz32(maxDefinition), new Uint8Array(slots));
  }

  #addFlat(definition: Uint8Array | undefined, slots: number): void {
    const end = this.#row + slots;
    if (end > this.#rowCount) throw new Error(`more than ${this.#rowCount} rows`);
    const nulls = definition?.reduce((count, level) => count + (level === 0 ? 1 : 0), 0) ?? 0;
    if (nulls > 0) {
      this.#present ??= new Uint8Array(this.#rowCount).fill(1);
      this.#present.set(definition ?? [], this.#row);
    }
    this.#row = end;
    this.#valueCount += slots - nulls;
  }

  /** Lists without an empty one, as most pages are: only their starts need to be found. */
  #addFilledLists(offsets: Int32Array, { repetition }: EncodedLevels, slots: number): void {
    if (slots === 0) return;
    const rows = offsets.subarray(this.#row, this.#rowCount);
    const found = zeroPlaces(repetition, slots, rows, this.#valueCount);
    const startsAtOnce = found > 0 && rows[0] === this.#valueCount;
    if (this.#lastWasEmpty && !startsAtOnce) throw new Error('an empty list goes on');
    this.#row += found;
    this.#valueCount += slots;
    this.#lastWasEmpty = false;
  }

  // One loop over local variables: it sees every value of every list.
  #addLists(offsets: Int32Array, repetition: Uint8Array, definition: Uint8Array): void {
    const { maxDefinition } = this.#column;
    let [row, valueCount, lastWasEmpty] = [this.#row, this.#valueCount, this.#lastWasEmpty];
    for (let slot = 0; slot < repetition.length; slot++) {
      if (repetition[slot] === 0) {
        if (row >= this.#rowCount) throw new Error(`more than ${this.#rowCount} rows`);
        offsets[row++] = valueCount;
      } else if (lastWasEmpty) throw new Error('an empty list goes on');
      const level = definition[slot] ?? 0;
      lastWasEmpty = level !== maxDefinition;
      if (lastWasEmpty) this.#checkEmpty(level, repetition[slot] === 0);
      else valueCount++;
    }
    [this.#row, this.#valueCount, this.#lastWasEmpty] = [row, valueCount, lastWasEmpty];
  }

  #checkEmpty(level: number, isStart: boolean): void {
    const { emptyListDefinition, maxDefinition } = this.#column;
    if (level === emptyListDefinition && isStart) return;
    if (level > maxDefinition || level === emptyListDefinition) {
      throw new Error(`a definition level of ${level} inside a list`);
    }
    throw new UnsupportedFeature(
      level < emptyListDefinition ? 'a list that is null' : 'a list with a null inside',
    );
  }
}
