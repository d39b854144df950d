import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { before, test } from 'node:test';
import { stringify } from 'yaml';
import { succeed } from '#tests/support/cli-result.ts';
import { miniConfig, miniProject } from '#tests/support/mini-project.ts';

/** Half of the teacher, which is a teacher itself afterwards. */
const project = miniProject({
  student: {
    architecture: 'bert',
    layers: 1,
    hiddenSize: 128,
    heads: 2,
    intermediateSize: 512,
    learningRate: 2e-4,
    steps: 40,
    evaluateEvery: 20,
  },
  variants: { assistant: { initialise: { from: 'teacher', layers: [1] } } },
  'hard-relabel': undefined,
});

interface Result {
  readonly student: string;
  readonly models: readonly {
    readonly name: string;
    readonly metrics: { readonly accuracy: number };
  }[];
}

let result: Result;

before(async () => {
  result = JSON.parse(await succeed(project, 'run', '--json'));
  cpSync(result.student, project.path('assistant'), { recursive: true });
});

test('one layer of the teacher and forty steps are worth more than a random start ever reaches in them', () => {
  const assistant = result.models.find(({ name }) => name === 'assistant');
  assert.ok((assistant?.metrics.accuracy ?? 0) > 0.6, JSON.stringify(assistant?.metrics.accuracy));
  const card = readFileSync(project.path('assistant', 'README.md'), 'utf8');
  assert.match(card, /Its weights started as layers 1 of the teacher, with what is around them\./);
});

test('an exported student is a teacher: it passes the check, fills a cache and has a student of its own', async () => {
  const checked = await succeed(project, 'teacher', 'check', 'assistant');
  assert.match(checked, /12 classes|classes +12/);
  const config = {
    ...miniConfig,
    teacher: { model: 'assistant', maxLength: 64 },
    student: { architecture: 'bag', hiddenSize: 32, learningRate: 0.02, steps: 150 },
    variants: { distilled: { softLossWeight: 1, hardLossWeight: 0 } },
    'hard-relabel': undefined,
  };
  writeFileSync(project.path('second.yaml'), stringify(config));
  const said = await succeed(
    project,
    'run',
    '--config',
    'second.yaml',
    '--store',
    'second',
    '--json',
  );
  const { models } = JSON.parse(said) as Result;
  const student = models.find(({ name }) => name === 'distilled');
  assert.ok((student?.metrics.accuracy ?? 0) > 0.5, JSON.stringify(student?.metrics.accuracy));
  const status = await succeed(
    project,
    'cache',
    'stats',
    '--config',
    'second.yaml',
    '--store',
    'second',
  );
  assert.match(status, /710|train/);
});
