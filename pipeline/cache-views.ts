import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { SPLITS } from '#datasets/example.ts';
import { FIXED_POINTS } from '#datasets/fixed-point.ts';
import { openSoftLabels, type SoftLabelMeta, temperatureSuffix } from '#datasets/soft-labels.ts';
import { type SqlView, sqlString } from '#datasets/sql.ts';

/** What each view holds, for help texts. */
export const VIEW_DESCRIPTIONS: Readonly<Record<string, string>> = {
  examples: 'example_id, split, source_id, text, weight: the corpus as it was prepared',
  labels: 'example_id, split, label_id, label: the gold labels',
  classes: 'class_id, class_name',
  soft_labels:
    'one row a prediction of the teacher: top_ids, top_names, top_logits, log_sum_exp_t*, tail_log_mass_t*, entropy_nats, confidence, top_label, gold_label, gold_log_prob',
  hard_labels: 'what hard-relabel decided, with reasons',
  predictions: 'variant, example_id, split, predicted_label, confidence: what the students say',
};

/** Views over the given artifacts, by instance; those whose artifact is missing are left out. */
export async function cacheViews(artifacts: ReadonlyMap<string, Artifact>): Promise<SqlView[]> {
  const views: SqlView[] = [];
  const prepare = artifacts.get('prepare');
  if (prepare !== undefined) views.push(...corpusViews(prepare));
  const softLabels = artifacts.get('soft-label');
  if (softLabels !== undefined && prepare !== undefined)
    views.push(await softLabelView(softLabels));
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
  const labels = SPLITS.map((split) => ({
    split,
    path: file(`labels/${split}`, 'labels.parquet'),
  }));
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
    {
      name: 'labels',
      paths: labels.map(({ path }) => path),
      select: labels
        .map(
          ({ split, path }) =>
            `SELECT example_id, '${split}' AS split, label_id, label, weight FROM read_parquet(${sqlString(path)})`,
        )
        .join(' UNION ALL '),
    },
  ];
}

async function softLabelView(artifact: Artifact): Promise<SqlView> {
  const folders = SPLITS.map((split) => outputFolder(artifact.folder, `rows/${split}`));
  const paths = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith('.parquet'))
      .map((name) => join(folder, name)),
  );
  const reader = await openSoftLabels(folders[0] ?? '');
  const { meta } = reader;
  await reader.close();
  const lse = `log_sum_exp_${temperatureSuffix(1)}`;
  const rows = softLabelRows(meta);
  const hasOne = meta.mode !== 'sampled' && meta.temperatures.includes(1);
  const place = 'list_position(s.top_ids, g.label_id)';
  const derived = [
    's.*',
    'list_transform(s.top_ids, lambda i: c.names[i + 1]) AS top_names',
    'c.names[s.top_ids[1] + 1] AS top_label',
    ...(hasOne ? [`exp(s.top_logits[1] - s.${lse}) AS confidence`] : []),
    'g.label AS gold_label',
    // Outside the top k only an upper bound is known (the tail), so nothing is claimed.
    ...(hasOne ? [`s.top_logits[${place}] - s.${lse} AS gold_log_prob`] : []),
  ];
  return {
    name: 'soft_labels',
    paths,
    select: `SELECT ${derived.join(', ')} FROM (${rows} FROM read_parquet([${paths.map(sqlString).join(', ')}])) s CROSS JOIN (SELECT list(class_name ORDER BY class_id) AS names FROM classes) c LEFT JOIN (SELECT example_id, arg_max(label_id, weight) AS label_id, arg_max(label, weight) AS label FROM labels GROUP BY example_id) g USING (example_id)`,
  };
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
    if (variant === undefined || !['train-student', 'evaluate'].includes(stage ?? '')) return [];
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
    select: `${select} FROM read_parquet([${paths.map(sqlString).join(', ')}])`,
  };
}
