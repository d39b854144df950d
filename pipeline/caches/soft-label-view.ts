import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { SPLITS } from '#datasets/example.ts';
import { FIXED_POINTS } from '#datasets/fixed-point.ts';
import {
  openSoftLabels,
  type SoftLabelMeta,
  temperatureSuffix,
} from '#datasets/soft-labels/soft-labels.ts';
import { parquetFiles, type SqlView } from '#datasets/sql.ts';
import { TARGETS_JOIN, valueColumnsOf } from './value-views.ts';

/**
 * What a teacher said, with names of classes and gold labels; probabilities where temperature 1 is stored.
 * Reads the views `classes` and `labels` (of tasks of values: `targets`).
 */
export async function softLabelView(
  name: string,
  artifact: Artifact,
  { isPerPosition }: { readonly isPerPosition: boolean },
): Promise<SqlView> {
  const folders = SPLITS.map((split) => outputFolder(artifact.folder, `rows/${split}`));
  const paths = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(folder, name)),
  );
  const reader = await openSoftLabels(folders[0] ?? '');
  const { meta } = reader;
  await reader.close();
  const rows = `${softLabelRows(meta)} FROM ${parquetFiles(paths)}`;
  const sources =
    meta.task === undefined
      ? [`FROM (${named(rows)}) s`, isPerPosition ? GOLD_OF_POSITIONS : GOLD_OF_ROWS]
      : [
          `FROM (${rows}) s`,
          'CROSS JOIN (SELECT list(class_name ORDER BY class_id) AS names FROM classes) c',
          TARGETS_JOIN,
        ];
  const select = `SELECT ${softLabelColumns(meta).join(', ')} ${sources.join(' ')}`;
  return { name, paths, select };
}

/**
 * Rows with the names of their classes. Not by a lambda over the names, and before any other join: either
 * would copy all names for each row, and a vocabulary has many.
 */
function named(rows: string): string {
  const columns = [
    's.*',
    'list_select(c.names, list_transform(s.top_ids, lambda i: (i + 1)::BIGINT)) AS top_names',
    'c.names[s.top_ids[1] + 1] AS top_label',
  ];
  const names = 'SELECT list(class_name ORDER BY class_id) AS names FROM classes';
  return `SELECT ${columns.join(', ')} FROM (${rows}) s CROSS JOIN (${names}) c`;
}

/** What every cache tells. */
function softLabelColumns({ mode, temperatures, task }: SoftLabelMeta): string[] {
  if (task !== undefined) return valueColumnsOf(task);
  const named = ['s.*', 'g.label AS gold_label'];
  if (mode === 'sampled') return [...named, ...drawnColumns()];
  return temperatures.includes(1) ? [...named, ...probabilityColumns(mode)] : named;
}

/** Draws have shares and the exact probability of the best class; the rest is not known. */
function drawnColumns(): string[] {
  const drawn = 'list_contains(s.sample_ids, g.label_id)';
  return [
    'list_transform(s.sample_counts, lambda n: n / list_sum(s.sample_counts)) AS top_probs',
    'NULL::DOUBLE AS margin',
    'NULL::DOUBLE AS kept_mass',
    'NULL::DOUBLE AS gold_log_prob',
    `CASE WHEN g.label_id IS NOT NULL THEN ${drawn} END AS gold_kept`,
  ];
}

/** Everything at temperature 1. */
function probabilityColumns(mode: 'top-k' | 'dense'): string[] {
  const lse = `s.log_sum_exp_${temperatureSuffix(1)}`;
  const tail = `s.tail_log_mass_${temperatureSuffix(1)}`;
  const isDense = mode === 'dense';
  const place = 'list_position(s.top_ids, g.label_id)';
  const goldLogProb = `s.top_logits[${place}] - ${lse}`;
  // Outside the top k gold has neither more than the rest together nor more than the last that is kept.
  const bound = `CASE WHEN g.label_id IS NOT NULL THEN least(${tail}, s.top_logits[-1] - ${lse}) END`;
  return [
    `list_transform(s.top_logits, lambda z: exp(z - ${lse})) AS top_probs`,
    `exp(s.top_logits[1] - ${lse}) AS confidence`,
    `exp(s.top_logits[1] - ${lse}) - exp(s.top_logits[2] - ${lse}) AS margin`,
    `${isDense ? '1::FLOAT' : `1 - exp(${tail})`} AS kept_mass`,
    `${isDense ? goldLogProb : `coalesce(${goldLogProb}, ${bound})`} AS gold_log_prob`,
    `CASE WHEN g.label_id IS NOT NULL THEN ${place} IS NOT NULL END AS gold_kept`,
  ];
}

/** The stored columns, with top_ids and top_logits also where the file has neither. */
function softLabelRows(meta: SoftLabelMeta): string {
  switch (meta.mode) {
    case 'dense':
      return `SELECT *, list_transform(list_grade_up(logits, 'DESC'), lambda i: (i - 1)::INTEGER) AS top_ids, list_sort(logits, 'DESC') AS top_logits`;
    case 'sampled':
      return 'SELECT *, sample_ids::INTEGER[] AS top_ids';
    case 'top-k':
      return meta.precision === 'float32' ? 'SELECT *' : fixedPointRows(meta, meta.precision);
    default:
      return meta.mode satisfies never;
  }
}

/** Fixed-point values as the logits with which the top k add up to 1 - tail at T = 1. */
function fixedPointRows(meta: SoftLabelMeta, precision: keyof typeof FIXED_POINTS): string {
  const logProbs = `list_transform(top_log_probs, lambda q: q / -${FIXED_POINTS[precision].scale}.0)`;
  const logTop = (t: number) => `ln(1 - exp(tail_log_mass_${temperatureSuffix(t)}::DOUBLE))`;
  const logSum = (list: string, t: number) =>
    `ln(list_sum(list_transform(${list}, lambda z: exp(z / ${t.toFixed(6)}))))`;
  const shift = `log_sum_exp_${temperatureSuffix(1)} + ${logTop(1)} - ${logSum(logProbs, 1)}`;
  const others = meta.temperatures
    .filter((t) => t !== 1)
    .map(
      (t) =>
        `(${logSum('top_logits', t)} - ${logTop(t)})::FLOAT AS log_sum_exp_${temperatureSuffix(t)}`,
    );
  return [
    'SELECT * EXCLUDE (top_ids, top_log_probs)',
    'top_ids::INTEGER[] AS top_ids',
    `list_transform(${logProbs}, lambda p: (p + ${shift})::FLOAT) AS top_logits`,
    ...others,
  ].join(', ');
}

/** One gold label an example: where the corpus disagrees with itself, the heaviest. */
const GOLD_OF_ROWS =
  'LEFT JOIN (SELECT example_id, split, arg_max(label_id, weight) AS label_id, arg_max(label, weight) AS label FROM labels GROUP BY example_id, split) g USING (example_id, split)';

/** A label a word or token, which is what the position of an answer counts. */
const GOLD_OF_POSITIONS =
  'LEFT JOIN (SELECT example_id, split, position, label_id, label FROM labels) g USING (example_id, split, position)';
