import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writeClasses } from '#datasets/classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { writeTargets } from '#datasets/targets.ts';
import { writeTokenLabels } from '#datasets/tokens/token-labels.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { randomFor } from '#stages/numerics/random.ts';
import type { FinishedProject } from '#tests/support/exported-students.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  exampleId,
  softLabelFolder,
  softLabelsOf,
  tinyMeta,
  tinyTokens,
  tokenFolder,
} from '#tests/support/tiny-world.ts';

/** Folders of what evaluate read and wrote, as arguments of figures.py. */
type Folders = [metrics: string, predictions: string, labels: string, classes: string];

/** What figures.py finds. */
export interface FoundFigures {
  readonly rows: number;
  /** Largest distance of each figure to that of the other library. */
  readonly differences: Readonly<Record<string, number>>;
}

/** So many figures of so many rows, all of them those of the other library. */
export function checkFigures(
  { rows, differences }: FoundFigures,
  expectedRows: number,
  count: number,
): void {
  assert.deepEqual([rows, Object.keys(differences).length], [expectedRows, count]);
  for (const [figure, difference] of Object.entries(differences)) {
    assert.ok(difference <= 1e-6, `${figure}: ${difference}`);
  }
}

/** A student of the mini sample, measured as if its logits were several labels or numbers. */
export async function evaluatedValues(
  run: FinishedProject,
  variant: string,
  task: 'multi-label' | 'regression',
): Promise<Folders> {
  const labels = temporaryFolder();
  const gold = await readLabels(run.artifact('prepare', 'labels', 'test'));
  const random = randomFor(3, 'values');
  const classes = run.artifact('prepare', 'classes');
  const classCount = 1 + Math.max(...gold.map(({ labelId }) => labelId));
  const rows = gold.map(({ exampleId: id, labelId }) => ({
    exampleId: id,
    targets: Float32Array.from({ length: classCount }, (_, at) => {
      const own = at === labelId ? 1 : 0;
      // Whole numbers, so that ranks are shared; a second label beside the own one here and there.
      return task === 'regression'
        ? Math.round(3 * own + 4 * random())
        : own || Number(random() < 0.1);
    }),
  }));
  await writeTargets(labels, rows);
  const { outputs } = await runStage(evaluate, {
    config: { subject: 'student', name: variant, task, latencyRuns: 1 },
    inputs: {
      student: run.artifact(`train-student:${variant}`, 'student'),
      'tokens/student/test': run.artifact('prepare', 'tokens', 'student', 'test'),
      'labels/test': labels,
      classes,
    },
  });
  return [outputs['metrics'] ?? '', outputs['predictions'] ?? '', labels, classes];
}

/** Names of words at random: entities begin, go on and end in every way that there is. */
export async function evaluatedWords(): Promise<Folders> {
  const folder = temporaryFolder();
  const random = randomFor(4, 'words');
  const sentences = Array.from({ length: 60 }, (_, at) => ({
    id: exampleId(at),
    words: 1 + Math.floor(random() * 9),
  }));
  const words = sentences.flatMap(({ id, words: count }) =>
    Array.from({ length: count }, (_, position) => ({ id, position })),
  );
  const meta = tinyMeta({ mode: 'dense', topK: null, classNames: TAGS, perToken: true });
  const said = words.map(({ id }) => ({ id, logits: TAGS.map(() => 4 * random()) }));
  const labels = join(folder, 'labels');
  const classes = join(folder, 'classes');
  for (const made of [labels, classes]) mkdirSync(made);
  await writeClasses(classes, TAGS);
  await writeTokenLabels(
    labels,
    sentences.map(({ id, words: count }) => ({
      exampleId: id,
      // A word in eleven has no label.
      labelIds: Int32Array.from({ length: count }, () => Math.floor(random() * 11) - 1).map(
        (one) => (one >= TAGS.length ? 0 : one),
      ),
    })),
  );
  const { outputs } = await runStage(evaluate, {
    config: { subject: 'teacher', name: 'teacher', task: 'token-classification' },
    inputs: {
      'rows/test': await softLabelFolder(
        join(folder, 'rows'),
        {
          ...softLabelsOf('test', said, meta),
          positions: Int32Array.from(words, ({ position }) => position),
        },
        meta,
      ),
      'tokens/teacher/test': await tokenFolder(
        join(folder, 'tokens'),
        tinyTokens(sentences.map(({ id }) => id)),
      ),
      'labels/test': labels,
      classes,
    },
  });
  return [outputs['metrics'] ?? '', outputs['predictions'] ?? '', labels, classes];
}

const TAGS = ['O', ...['card', 'fee', 'place'].flatMap((type) => [`B-${type}`, `I-${type}`])];
