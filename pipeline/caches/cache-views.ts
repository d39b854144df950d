import { join } from 'node:path';
import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { SPLITS, type Split } from '#datasets/example.ts';
import { parquetFiles, type SqlView, sqlString } from '#datasets/sql.ts';
import { isLanguageModel, isPerToken, type Task } from '#datasets/task.ts';
import { headFolder } from '#stages/students/task-heads.ts';
import { softLabelView } from './soft-label-view.ts';
import { targetViews } from './value-views.ts';

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
 * is what the instance `main` holds, and each further teacher of the same corpus has a view `soft_labels_NAME`
 * beside it. A head has a corpus of its own: where `main` is the cache of a head, all views are of that corpus.
 */
export async function cacheViews(
  artifacts: ReadonlyMap<string, Artifact>,
  main = 'soft-label',
): Promise<SqlView[]> {
  const views: SqlView[] = [];
  const headIn = (instance: string) => {
    const [, teacher = ''] = instance.split(':');
    return artifacts.has(`prepare:${teacher}`) ? teacher : undefined;
  };
  const head = headIn(main);
  const prepare = artifacts.get(head === undefined ? 'prepare' : `prepare:${head}`);
  if (prepare !== undefined) views.push(...corpusViews(prepare));
  for (const [instance, artifact] of artifacts) {
    const [stage, teacher] = instance.split(':');
    if (stage !== 'soft-label' || prepare === undefined || headIn(instance) !== head) continue;
    const gold = { isPerPosition: isPerToken(taskOf(prepare)) };
    if (instance === main) views.push(await softLabelView('soft_labels', artifact, gold));
    if (teacher !== undefined && head === undefined) {
      const name = `soft_labels_${teacher.replace('.', '_')}`;
      views.push(await softLabelView(name, artifact, gold));
    }
  }
  const relabelled = artifacts.get('hard-relabel');
  if (relabelled !== undefined) {
    const file = join(outputFolder(relabelled.folder, 'hard-labels'), 'hard-labels.parquet');
    views.push(fileView('hard_labels', [file], 'SELECT *'));
  }
  const predictions = predictionsView(artifacts, head);
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

/** Predictions of all students on the rows of one task: train and validation by the trainer, test by evaluate. */
function predictionsView(
  artifacts: ReadonlyMap<string, Artifact>,
  head: string | undefined,
): SqlView | undefined {
  const files = [...artifacts].flatMap(([instance, artifact]) => {
    const [stage, name] = instance.split(':');
    const isEvaluation = stage === 'evaluate';
    if (name === undefined || !(isEvaluation || STUDENT_STAGES.includes(stage ?? ''))) return [];
    if (isEvaluation && evaluatedHead(artifact) !== head) return [];
    // The trainer keeps what further heads say in folders of their own.
    const place = isEvaluation || head === undefined ? '' : `${headFolder(head)}/`;
    const variant = isEvaluation && head !== undefined ? name.slice(0, -head.length - 1) : name;
    return (artifact.manifest.outputs['predictions']?.files ?? [])
      .filter(({ path }) => path.startsWith(place) && PREDICTIONS.test(path.slice(place.length)))
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

/** The head whose rows were measured; undefined: the first, or the only one. */
function evaluatedHead({ manifest }: Artifact): string | undefined {
  const { config } = manifest.recipe as { readonly config?: { readonly head?: string } };
  return config?.head;
}

const STUDENT_STAGES = ['train-student', 'choose-student'];
const PREDICTIONS = /^[^/]+\.parquet$/;

function fileView(name: string, paths: readonly string[], select: string): SqlView {
  return {
    name,
    paths,
    select: `${select} FROM ${parquetFiles(paths)}`,
  };
}
