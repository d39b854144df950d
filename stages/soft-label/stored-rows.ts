import type { Split } from '#datasets/example.ts';
import type { ExampleKeys } from '#datasets/examples.ts';
import { featureRow, shapesOf } from '#datasets/feature-rows.ts';
import type { FeatureGroup, FeatureRow } from '#datasets/features.ts';
import type { GroupRow } from '#datasets/grouped-table.ts';
import type { TokenGroup } from '#datasets/tokens/tokens.ts';
import type { RowAnswers, TeacherRow } from './teacher-rows.ts';
import { tensorSteps } from './tensor-steps.ts';

/** Where an example lies in the tables of its split. */
export interface RowPlace {
  readonly split: Split;
  /** Row of the examples of the split. */
  readonly at: number;
  readonly keys: GroupRow<ExampleKeys>;
  readonly tokens: GroupRow<TokenGroup>;
  readonly features: GroupRow<FeatureGroup> | undefined;
}

/** The rows of an example: one, or one a window. */
export function rowsOfExample(place: RowPlace): StoredRow[] {
  const { group, row } = place.tokens;
  const { windowEnds } = group;
  if (windowEnds === undefined) return [new StoredRow(place)];
  const ends = listAt(windowEnds.values, windowEnds.offsets, row);
  return Array.from(ends, (_, window) => new WindowRow(place, ends, window));
}

/**
 * A row as a place in row groups of its tables, all in one object: thousands of them outlive V8's first look at them.
 */
export class StoredRow implements TeacherRow {
  readonly split: Split;
  /** Row of the examples of the split. */
  readonly at: number;
  readonly #keys: ExampleKeys;
  readonly #row: number;
  readonly #tokens: TokenGroup;
  readonly #tokenRow: number;
  readonly #features: GroupRow<FeatureGroup> | undefined;

  constructor({ split, at, keys, tokens, features }: RowPlace) {
    this.split = split;
    this.at = at;
    this.#keys = keys.group;
    this.#row = keys.row;
    this.#tokens = tokens.group;
    this.#tokenRow = tokens.row;
    this.#features = features;
  }

  get exampleId(): string {
    return this.#keys.idAt(this.#row);
  }

  get sourceId(): string | null {
    return this.#keys.sourceIdAt(this.#row);
  }

  get text(): string | null {
    return this.#keys.textAt(this.#row);
  }

  get tokenIds(): Int32Array {
    return listAt(this.#tokens.tokenIds, this.#tokens.offsets, this.#tokenRow);
  }

  get typeIds(): Int32Array | null {
    const { typeIds, offsets } = this.#tokens;
    return typeIds && listAt(typeIds, offsets, this.#tokenRow);
  }

  get targetIds(): Int32Array | undefined {
    const { targets } = this.#tokens;
    return targets && listAt(targets.ids, targets.offsets, this.#tokenRow);
  }

  get features(): FeatureRow | undefined {
    return this.#features && featureRow(this.#features.group, this.#features.row);
  }

  get steps(): number | undefined {
    const { features } = this;
    if (this.#features === undefined || features === undefined) return undefined;
    if (this.tokenIds.length > 0) return undefined;
    return tensorSteps(shapesOf(this.#features.group), features);
  }

  get answers(): RowAnswers | undefined {
    const { answers } = this.#tokens;
    if (answers === undefined) return undefined;
    const { offsets, at, positions } = answers;
    const row = this.#tokenRow;
    return { at: listAt(at, offsets, row), positions: listAt(positions, offsets, row) };
  }
}

/** One window of such a row: a part of its tokens. */
class WindowRow extends StoredRow {
  readonly window: { readonly index: number; readonly of: number };
  readonly #from: number;
  readonly #end: number;

  constructor(place: RowPlace, ends: Int32Array, window: number) {
    super(place);
    this.window = { index: window, of: ends.length };
    this.#from = ends[window - 1] ?? 0;
    this.#end = ends[window] ?? 0;
  }

  override get tokenIds(): Int32Array {
    return super.tokenIds.subarray(this.#from, this.#end);
  }

  override get typeIds(): Int32Array | null {
    return super.typeIds?.subarray(this.#from, this.#end) ?? null;
  }
}

function listAt(values: Int32Array, offsets: Int32Array, row: number): Int32Array {
  return values.subarray(offsets[row], offsets[row + 1]);
}
