import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { FIXED_POINTS } from '#datasets/fixed-point.ts';
import { openSoftLabels, type SoftLabelMeta, temperatureSuffix } from '#datasets/soft-labels.ts';
import { type SqlView, sqlString } from '#datasets/sql.ts';
import { isLanguageModel, isPerToken, type Task } from '#datasets/task.ts';
import { TARGETS_JOIN, targetViews, valueColumnsOf } from './value-views.ts';

/** What each view holds, for help texts. */
export const VIEW_DESCRIPTIONS: Readonly<Record<string, string>> = {
  examples: 'example_id, split, source_id, text, text_pair, weight: the corpus as it was prepared',
  labels:
    'example_id, split, label_id, label, weight: the gold labels; of token classification a row a word, with position',
  targets:
    'example_id, split, targets: gold of multi-label and regression, in the order of the classes',
  classes: 'class_id, class_name',
  soft_labels:
    'one row a prediction of the teacher (where long texts are read in windows: one a window, which students see averaged): example_id, position (of a window), split, source_id, top_ids, top_names, top_probs, top_logits, log_sum_exp_t*, tail_log_mass_t*, entropy_nats, top_label, confidence, margin, kept_mass, gold_label, gold_log_prob (an upper bound where not gold_kept), gold_kept; logits where the cache is dense',
  hard_labels: 'what hard-relabel decided, with reasons',
  predictions: 'variant, example_id, split, predicted_label, confidence: what the students say',
};

/**
 * Views over the given artifacts, by instance; those whose artifact is missing are left out. `soft_labels`
 * is what the instance `main` holds, and each further teacher has a view `soft_labels_NAME` beside it.
 */
export async function cacheViews(
  artifacts: ReadonlyMap<string, Artifact>,
  main = 'soft-label',
): Promise<SqlView[]> {
  const views: SqlView[] = [];
  const prepare = artifacts.get('prepare');
  if (prepare !== undefined) views.push(...corpusViews(prepare));
  for (const [instance, artifact] of artifacts) {
    const [stage, teacher] = instance.split(':');
    if (stage !== 'soft-label' || prepare === undefined) continue;
    const gold = isPerToken(taskOf(prepare)) ? GOLD_OF_POSITIONS : GOLD_OF_ROWS;
    if (instance === main) views.push(await softLabelView('soft_labels', artifact, gold));
    if (teacher !== undefined) {
      const name = `soft_labels_${teacher.replace('.', '_')}`;
      views.push(await softLabelView(name, artifact, gold));
    }
  }
  const relabelled = artifacts.get('hard-relabel');
  if (relabelled !== undefined) {
    const file = join(outputFolder(relabelled.folder, 'hard-labels'), 'hard-labels.parquet');
    views.push(fileView('hard_labels', [file], 'SELECT *'));
  }
  const predictions = predictionsView(artifacts);
  if (predictions !== undefined) views.push(predictions);
  return views;
}

function corpusViews(prepare: Artifact): SqlView[] {
  const file = (output: string, name: string) => join(outputFolder(prepare.folder, output), name);
  const classes = file('classes', 'classes.json');
  const { place, select } = labelsOf(taskOf(prepare));
  const labels = SPLITS.map((split) => {
    const [output, name] = place(split);
    const folder = outputFolder(prepare.folder, output);
    return { split, folder, path: join(folder, name) };
  });
  return [
    {
      name: 'classes',
      paths: [classes],
      select: `SELECT unnest(range(len("classNames")))::INTEGER AS class_id, unnest("classNames") AS class_name FROM read_json(${sqlString(classes)}, columns = {classNames: 'VARCHAR[]'})`,
    },
    fileView(
      'examples',
      SPLITS.map((split) => file(`inputs/${split}`, 'examples.parquet')),
      'SELECT *',
    ),
    ...(targetViews(labels) ?? [
      {
        name: 'labels',
        paths: labels.map(({ path }) => path),
        select: labels.map(({ split, path }) => select(split, path)).join(' UNION ALL '),
      },
    ]),
  ];
}

/** Where the gold labels of a task lie, and how they are read. */
function labelsOf(task: Task): {
  readonly place: (split: Split) => readonly [output: string, name: string];
  readonly select: (split: Split, path: string) => string;
} {
  if (isLanguageModel(task)) {
    return {
      place: (split) => [`tokens/teacher/${split}`, 'tokens.parquet'],
      select: tokenLabels,
    };
  }
  const ofWords = task === 'token-classification';
  const name = ofWords ? 'token-labels.parquet' : 'labels.parquet';
  return {
    place: (split) => [`labels/${split}`, name],
    select: ofWords ? wordLabels : rowLabels,
  };
}

function taskOf({ manifest }: Artifact): Task {
  const { config } = manifest.recipe as { readonly config?: { readonly task?: Task } };
  return config?.task ?? 'classification';
}

function rowLabels(split: Split, path: string): string {
  return `SELECT example_id, '${split}' AS split, label_id, label, weight FROM read_parquet(${sqlString(path)})`;
}

/** One row a labelled word; `position` is its number, from 0. */
function wordLabels(split: Split, path: string): string {
  const words = `SELECT example_id, unnest(range(len(label_ids)))::INTEGER AS position, unnest(label_ids) AS label_id FROM read_parquet(${sqlString(path)})`;
  return positionLabels(split, words);
}

/** One row a token that is asked for; `position` is its place, and the label is the token that is right there. */
function tokenLabels(split: Split, path: string): string {
  const tokens = `SELECT example_id, unnest(answer_positions) AS position, unnest(original_ids) AS label_id FROM read_parquet(${sqlString(path)})`;
  return positionLabels(split, tokens);
}

function positionLabels(split: Split, rows: string): string {
  return `SELECT example_id, '${split}' AS split, position, label_id, class_name AS label, 1::FLOAT AS weight FROM (${rows}) w JOIN classes ON class_id = label_id`;
}

async function softLabelView(name: string, artifact: Artifact, gold: string): Promise<SqlView> {
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
      ? [`FROM (${named(rows)}) s`, gold]
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

/** Predictions of all students: train and validation by the trainer, test by evaluate. */
function predictionsView(artifacts: ReadonlyMap<string, Artifact>): SqlView | undefined {
  const files = [...artifacts].flatMap(([instance, artifact]) => {
    const [stage, variant] = instance.split(':');
    if (
      variant === undefined ||
      !['train-student', 'choose-student', 'evaluate'].includes(stage ?? '')
    )
      return [];
    return (artifact.manifest.outputs['predictions']?.files ?? [])
      .filter(({ path }) => path.endsWith('.parquet'))
      .map(({ path }) => ({
        variant,
        path: join(outputFolder(artifact.folder, 'predictions'), path),
      }));
  });
  if (files.length === 0) return undefined;
  const selects = files.map(
    ({ variant, path }) =>
      `SELECT ${sqlString(variant)} AS variant, * FROM read_parquet(${sqlString(path)})`,
  );
  const all = selects.join(' UNION ALL BY NAME ');
  return {
    name: 'predictions',
    paths: files.map(({ path }) => path),
    select: `SELECT p.*, c.class_name AS predicted_label FROM (${all}) p LEFT JOIN classes c ON c.class_id = p.predicted_id`,
  };
}

function fileView(name: string, paths: readonly string[], select: string): SqlView {
  return {
    name,
    paths,
    select: `${select} FROM ${parquetFiles(paths)}`,
  };
}

function parquetFiles(paths: readonly string[]): string {
  return `read_parquet([${paths.map(sqlString).join(', ')}])`;
}

/** One gold label an example: where the corpus disagrees with itself, the heaviest. */
const GOLD_OF_ROWS =
  'LEFT JOIN (SELECT example_id, split, arg_max(label_id, weight) AS label_id, arg_max(label, weight) AS label FROM labels GROUP BY example_id, split) g USING (example_id, split)';

/** A label a word or token, which is what the position of an answer counts. */
const GOLD_OF_POSITIONS =
  'LEFT JOIN (SELECT example_id, split, position, label_id, label FROM labels) g USING (example_id, split, position)';
