import { digestOf } from '#cache/digest.ts';
import { canonicalJson } from '#cache/fingerprint.ts';
import type { TensorColumns } from '#datasets/corpus/tensor-columns.ts';
import { type Example, SPLITS } from '#datasets/example.ts';
import { columnOf, type FeatureTable, type TensorShape } from '#datasets/features.ts';
import type { TokenTable } from '#datasets/tokens/tokens.ts';
import type { PrepareConfig } from './config.ts';
import type { CutCorpus } from './cut-corpus.ts';
import { TensorSettingsError } from './prepare-errors.ts';

type TensorSettings = NonNullable<PrepareConfig['columns']['tensors']>;

/** Shapes of the model inputs, by name. */
export type FeatureShapes = Readonly<Record<string, TensorShape>>;

/** `corpus.columns.tensors` with everything filled in. */
export function tensorColumnsOf(
  settings: TensorSettings | undefined,
): Record<string, TensorColumns> | undefined {
  if (settings === undefined) return undefined;
  const entries = Object.entries(settings).map(([input, setting]): [string, TensorColumns] => {
    if (!/^\w+$/.test(input) || input === 'example_id') {
      throw new TensorSettingsError(input, 'is no name that a column of a table may have');
    }
    if (typeof setting === 'string' || Array.isArray(setting)) {
      return [input, { columns: setting, scale: 1 }];
    }
    const { columns, shape, scale } = setting;
    if ((shape?.filter((size) => size === null).length ?? 0) > 1) {
      throw new TensorSettingsError(input, 'has more than one free axis (null) in its shape');
    }
    return [input, { columns, shape, scale: scaleOf(scale) }];
  });
  return Object.fromEntries(entries);
}

/** The shape of each input: as it is set, else as many values as all rows have, or as each row has. */
export function shapesOfCorpus(
  tensors: Readonly<Record<string, TensorColumns>>,
  { splits }: CutCorpus,
): FeatureShapes {
  return shapesOfRows(
    tensors,
    SPLITS.flatMap((split) => splits[split].examples),
  );
}

/** The same of any rows. */
export function shapesOfRows(
  tensors: Readonly<Record<string, TensorColumns>>,
  rows: readonly Pick<Example, 'features'>[],
): FeatureShapes {
  const entries = Object.entries(tensors).map(([input, { shape }]): [string, TensorShape] => {
    if (shape !== undefined) return [input, shape];
    const lengths = new Set(rows.map(({ features }) => features?.[input]?.length ?? 0));
    const [length = 0] = lengths;
    return [input, lengths.size === 1 ? [length] : [null]];
  });
  return Object.fromEntries(entries);
}

/** The tensors of a split as a table. */
export function featureTable(examples: readonly Example[], shapes: FeatureShapes): FeatureTable {
  const columns = Object.entries(shapes).map(([input, shape]) => {
    const rows = examples.map(({ features }) => features?.[input] ?? new Float32Array());
    return [input, columnOf(shape, rows)] as const;
  });
  return {
    exampleIds: examples.map(({ exampleId }) => exampleId),
    columns: Object.fromEntries(columns),
  };
}

/** The token table of rows without text: every row is there, with no token. */
export function noTokens(examples: readonly Example[], shapes: FeatureShapes): TokenTable {
  return {
    exampleIds: examples.map(({ exampleId }) => exampleId),
    offsets: new Int32Array(examples.length + 1),
    tokenIds: new Int32Array(),
    typeIds: null,
    truncated: new Uint8Array(examples.length),
    // What cuts a row into the shape that a model sees stands in for a tokenizer.
    tokenizerDigest: digestOf(canonicalJson({ shapes })),
    maxLength: 1,
  };
}

/** `1/255` or a number. */
function scaleOf(scale: string | number | undefined): number {
  if (scale === undefined) return 1;
  if (typeof scale === 'number') return scale;
  const [above = 1, below = 1] = scale.split('/').map(Number);
  return above / below;
}
