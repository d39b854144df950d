import { highestPlaces } from '#datasets/top-classes.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import type { DrawnRow, LabelColumns } from './label-columns.ts';
import type { Keep } from './settings.ts';

/** Whole rows of logits as draws from them; `names` seed them, so that a row's draws are the same in every run. */
export function drawLabels(
  columns: LabelColumns,
  names: readonly string[],
  keep: Keep,
): LabelColumns {
  const rows = columns.entropyNats.length;
  const drawn = Array.from({ length: rows }, (_, row) => {
    const logits = columns.logits.subarray(row * keep.classCount, (row + 1) * keep.classCount);
    // A batch may end with a copy of its only row.
    return drawRow(logits, names[row] ?? '', keep);
  });
  return { ...columns, logits: new Float32Array(), logSumExp: [], tailLogMass: [], drawn };
}

/** What seeds the draws of a row: its example, and the place in it where there are several. */
export function drawName(exampleId: string, position: number | undefined): string {
  return position === undefined ? exampleId : `${exampleId}/${position}`;
}

function drawRow(logits: Float32Array, name: string, keep: Keep): DrawnRow | undefined {
  const [temperature = 1] = keep.temperatures;
  const options = { temperature, draws: keep.samples ?? 0 };
  const { ids, counts } = drawClasses(logits, options, randomFor(SEED, name));
  if (ids.length === 0) return undefined;
  const [best = 0] = highestPlaces(logits, logits.length);
  const drawnAs = new Map(Array.from(ids, (id, place) => [id, counts[place] ?? 0] as const));
  const others = [...drawnAs]
    .filter(([id]) => id !== best)
    .sort(([a, m], [b, n]) => n - m || a - b);
  const ordered = [[best, drawnAs.get(best) ?? 0] as const, ...others];
  return {
    ids: Int32Array.from(ordered, ([id]) => id),
    counts: Int32Array.from(ordered, ([, count]) => count),
    confidence: confidenceOf(logits, best),
  };
}

/** p_1 of the best class. */
function confidenceOf(logits: Float32Array, best: number): number {
  const highest = logits[best] ?? Number.NaN;
  return 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
}

/** The example id alone decides, so that another seed of the project does not ask the teacher again. */
const SEED = 0;
