import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import type { DrawnRow, LabelColumns } from './label-columns.ts';
import type { Keep } from './settings.ts';
import type { TeacherRow } from './teacher-rows.ts';

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
  return drawnRow(drawnAs, best, confidenceOf(logits, best));
}

/** Drawn classes with their counts: the best class first, drawn or not, then the most frequent. */
export function drawnRow(
  counts: ReadonlyMap<number, number>,
  best: number,
  confidence: number,
): DrawnRow {
  const others = [...counts].filter(([id]) => id !== best).sort(([a, m], [b, n]) => n - m || a - b);
  const ordered = [[best, counts.get(best) ?? 0] as const, ...others];
  return {
    ids: Int32Array.from(ordered, ([id]) => id),
    counts: Int32Array.from(ordered, ([, count]) => count),
    confidence,
  };
}

/** Where the draws of each answer of these rows fall, in [0, 1): [answers, count], zeros up to `answers`. */
export function drawPoints(
  rows: readonly TeacherRow[],
  answers: number,
  count: number,
): Float64Array {
  const points = new Float64Array(answers * count);
  for (const [answer, name] of rows.flatMap(drawNames).entries()) {
    const random = randomFor(SEED, name);
    for (let draw = 0; draw < count; draw++) points[answer * count + draw] = random();
  }
  return points;
}

/** What seeds the draws of each answer of a row. */
export function drawNames({ exampleId, answers, window }: TeacherRow): string[] {
  if (answers === undefined) return [drawName(exampleId, window?.index)];
  return Array.from(answers.positions, (position) => drawName(exampleId, position));
}

/** p_1 of the best class. */
function confidenceOf(logits: Float32Array, best: number): number {
  const highest = logits[best] ?? Number.NaN;
  return 1 / logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
}

/** The example id alone decides, so that another seed of the project does not ask the teacher again. */
const SEED = 0;
