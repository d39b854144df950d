import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FinishedProject, finished, succeed } from '#tests/support/exported-students.ts';
import { miniProject } from '#tests/support/mini-project.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { assertAsInPython, TOP_K_COLUMNS } from './teacher-answers.ts';

const sample = sampleFolder('banking77');
const teacher = join(sample, 'teacher');

/** The banking77 sample's teacher about the test split, or as many of its rows, and 16 rows of the other two. */
async function asked(
  settings: Readonly<Record<string, unknown>>,
  testRows?: number,
): Promise<FinishedProject> {
  const project = miniProject({
    corpus: { train: 'train.jsonl', validation: 'validation.jsonl', test: 'test.jsonl' },
    teacher: { model: teacher },
    'soft-label': settings,
    variants: { distilled: {} },
    'hard-relabel': undefined,
  });
  for (const [split, file, from, to] of [
    ['train', 'unlabelled', 0, 16],
    ['validation', 'validation', 0, 16],
    ['test', 'test', 0, testRows],
  ] as const) {
    const lines = readFileSync(join(sample, `${file}.jsonl`), 'utf8')
      .split('\n')
      .slice(from, to);
    writeFileSync(project.path(`${split}.jsonl`), lines.join('\n'));
  }
  await succeed(project, 'run', '--to', 'soft-label');
  return finished(project);
}

test('on all test rows of banking77 Python finds the best ten classes, their logits and the rest', async () => {
  const run = await asked({ topK: 10, temperatures: [1, 2, 4] });
  const ofTemperatures = ['t1', 't2', 't4'].flatMap((t) => [
    `log_sum_exp_${t}`,
    `tail_log_mass_${t}`,
  ]);
  await assertAsInPython(run, teacher, {
    rows: 3111,
    columns: [...TOP_K_COLUMNS, ...ofTemperatures],
  });
});

test('where all are kept, Python finds every logit', async () => {
  const run = await asked({ keep: 'all', temperatures: [1, 2] }, 200);
  const columns = ['logits', 'entropy_nats', 'log_sum_exp_t1', 'log_sum_exp_t2'];
  await assertAsInPython(run, teacher, { rows: 232, columns });
});
