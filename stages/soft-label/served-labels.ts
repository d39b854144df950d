import { logSumExpOf } from '#datasets/soft-labels/log-normalisers.ts';
import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { bestIds } from '#stages/numerics/best-ids.ts';
import { drawLabels, drawName } from './draw-labels.ts';
import { drawnRows, emptyColumns, type LabelColumns } from './label-columns.ts';
import { hiddenName, type Keep } from './settings.ts';

type Held = Pick<
  SoftLabelMeta,
  'mode' | 'topK' | 'samples' | 'temperatures' | 'precision' | 'hidden'
>;

/** Does a cache hold all that is asked for? Then the teacher need not be asked again. */
export function canServe(held: Held, keep: Keep): boolean {
  const features = (keep.hidden ?? []).map(hiddenName);
  return features.every((name) => held.hidden?.[name] !== undefined) && servesLabels(held, keep);
}

function servesLabels(held: Held, keep: Keep): boolean {
  switch (held.mode) {
    case 'dense':
      return true;
    case 'sampled':
      return (
        keep.mode === 'sampled' &&
        keep.samples === held.samples &&
        keep.temperatures[0] === held.temperatures[0]
      );
    case 'top-k':
      return keep.mode === 'top-k' && servesTopK(held, keep);
    default:
      return held.mode satisfies never;
  }
}

/**
 * Would the served rows be computed by us, and not copied? They then lie as near to the exact numbers as
 * the teacher's graph does (2e-6), but need not be equal to it in the last bit.
 */
export function isDerived(held: Held, keep: Keep): boolean {
  if (held.mode === 'top-k') return keep.topK !== held.topK;
  if (held.mode !== 'dense' || keep.mode === 'sampled') return false;
  return keep.mode === 'top-k' || keep.temperatures.some((t) => !held.temperatures.includes(t));
}

/** Rows of a cache that serves `keep`, as `keep` wants them. */
export function servedLabels(rows: SoftLabelRows, held: Held, keep: Keep): LabelColumns {
  const { hidden: _all, ...labels } = rows;
  const served = labelsOf(labels, held, keep);
  if (keep.hidden === undefined) return served;
  const features = keep.hidden.map(hiddenName);
  const none = new Float32Array();
  return {
    ...served,
    hidden: Object.fromEntries(features.map((name) => [name, rows.hidden?.[name] ?? none])),
  };
}

function labelsOf(rows: SoftLabelRows, held: Held, keep: Keep): LabelColumns {
  if (rows.sampled) {
    const { entropyNats } = rows;
    return { ...emptyColumns(rows.rowCount, keep), entropyNats, drawn: drawnRows(rows.sampled) };
  }
  if (held.mode === 'top-k') return fewerOfTopK(rows, held, keep);
  switch (keep.mode) {
    case 'dense':
      return { ...rows, logSumExp: keep.temperatures.map((t) => normalisers(rows, held, keep, t)) };
    case 'sampled':
      return drawLabels(
        rows,
        rows.exampleIds.map((id, row) => drawName(id, rows.positions?.[row])),
        keep,
      );
    case 'top-k':
      return topKOfDense(rows, keep);
    default:
      return keep.mode satisfies never;
  }
}

function servesTopK(held: Held, keep: Keep): boolean {
  const [most, k] = [held.topK ?? 0, keep.topK ?? 0];
  const hasTemperatures = keep.temperatures.every((t) => held.temperatures.includes(t));
  // What was rounded once serves only itself: a new tail of rounded entries would be a rounded tail.
  const hasNumbers =
    held.precision === 'float32' || (held.precision === keep.precision && k === most);
  return k <= most && hasTemperatures && hasNumbers;
}

function normalisers(rows: SoftLabelRows, held: Held, keep: Keep, temperature: number) {
  const stored = rows.logSumExp[held.temperatures.indexOf(temperature)];
  if (stored !== undefined) return stored;
  return Float32Array.from(rows.exampleIds, (_, row) =>
    logSumExpOf(rowOf(rows.logits, row, keep.classCount), temperature),
  );
}

function topKOfDense(rows: SoftLabelRows, keep: Keep): LabelColumns {
  const columns = { ...emptyColumns(rows.rowCount, keep), entropyNats: rows.entropyNats };
  const k = keep.topK ?? 0;
  for (let row = 0; row < rows.rowCount; row++) {
    const logits = rowOf(rows.logits, row, keep.classCount);
    const ids = bestIds(logits, k);
    const outside = Float64Array.from(logits);
    for (const [place, id] of ids.entries()) {
      columns.topIds[row * k + place] = id;
      columns.topLogits[row * k + place] = logits[id] ?? Number.NaN;
      outside[id] = Number.NEGATIVE_INFINITY;
    }
    for (const [place, t] of keep.temperatures.entries()) {
      const normaliser = logSumExpOf(logits, t);
      set(columns.logSumExp[place], row, normaliser);
      set(columns.tailLogMass[place], row, logSumExpOf(outside, t) - normaliser);
    }
  }
  return columns;
}

/** The classes that are dropped go to the tail: their probabilities are added, none is subtracted. */
function fewerOfTopK(rows: SoftLabelRows, held: Held, keep: Keep): LabelColumns {
  const [most, k] = [held.topK ?? 0, keep.topK ?? 0];
  const places = keep.temperatures.map((t) => held.temperatures.indexOf(t));
  const logSumExp = places.map((place) => rows.logSumExp[place] ?? new Float32Array());
  const tails = places.map((place) => rows.tailLogMass[place] ?? new Float32Array());
  if (k === most) return { ...rows, logSumExp, tailLogMass: tails };
  const tailLogMass = tails.map((tail, index) => {
    const t = keep.temperatures[index] ?? 1;
    return tail.map((old, row) => {
      const normaliser = logSumExp[index]?.[row] ?? Number.NaN;
      const dropped = rowOf(rows.topLogits, row, most).subarray(k);
      return logSumExpOf([old, ...dropped.map((logit) => logit / t - normaliser)]);
    });
  });
  const first = <A extends Int32Array | Float32Array>(values: A, into: A): A => {
    for (let row = 0; row < rows.rowCount; row++) {
      into.set(rowOf(values, row, most).subarray(0, k), row * k);
    }
    return into;
  };
  return {
    ...rows,
    topIds: first(rows.topIds, new Int32Array(rows.rowCount * k)),
    topLogits: first(rows.topLogits, new Float32Array(rows.rowCount * k)),
    logSumExp,
    tailLogMass,
  };
}

function rowOf<A extends Int32Array | Float32Array>(values: A, row: number, width: number): A {
  return values.subarray(row * width, (row + 1) * width) as A;
}

function set(column: Float32Array | undefined, row: number, value: number): void {
  if (column !== undefined) column[row] = value;
}
