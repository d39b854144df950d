import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import { checkGate } from '#pipeline/gate/gate.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const corpus = { train: 'a.jsonl', validation: 'b.jsonl', test: 'c.jsonl' };
const genre = { corpus, teacher: { model: 'teacher' }, weight: 0.5 };
const student = { architecture: 'bag', vocabulary: 'full' };
const folder = temporaryFolder();
cpSync(join(sampleFolder('mini'), 'teacher'), join(folder, 'teacher'), { recursive: true });

/** The graph of the mini configuration with a head and these sections instead. */
function graphWith(sections: Readonly<Record<string, unknown>> = {}): readonly StageInstance[] {
  const file = join(folder, 'decant.yaml');
  const variants = { both: {} };
  const two = { ...miniConfig, 'hard-relabel': undefined, variants, heads: { genre }, student };
  writeFileSync(file, stringify({ ...two, ...sections }));
  return graphOf(loadConfig({ file, environment: {}, set: [] }));
}

/** What is refused; empty where it is fine. */
function refused(sections: Readonly<Record<string, unknown>>): string {
  try {
    graphWith(sections);
    return '';
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
}

test('a head has a corpus, a cache and measurements of its own, and one training reads them all', () => {
  const graph = graphWith();
  assert.deepEqual(
    graph.map(({ name }) => name),
    [
      'prepare',
      'prepare:genre',
      'soft-label',
      'soft-label:genre',
      'train-student:both',
      'evaluate:teacher',
      'evaluate:both',
      'evaluate:teacher.genre',
      'evaluate:both.genre',
      'export-student:both',
      'report',
    ],
  );
  const named = (name: string) => graph.find((one) => one.name === name);
  const { config, inputs } = named('train-student:both') ?? {};
  assert.deepEqual(config?.['taskHeads'], { genre: { weight: 0.5 } });
  assert.deepEqual(inputs?.['heads/genre/rows/train'], {
    instance: 'soft-label:genre',
    output: 'rows/train',
  });
  assert.equal(inputs?.['heads/genre/classes']?.instance, 'prepare:genre');
  assert.equal(inputs?.['rows/train']?.instance, 'soft-label');
  const evaluation = named('evaluate:both.genre');
  assert.equal(evaluation?.config['head'], 'genre');
  assert.equal(evaluation?.inputs['labels/test']?.instance, 'prepare:genre');
  assert.equal(evaluation?.inputs['student']?.instance, 'train-student:both');
});

test('a head may have a task of its own, which its cache, training and measurements are told', () => {
  const graph = graphWith({ heads: { genre: { ...genre, task: 'regression' } } });
  const taskOf = (name: string) => graph.find((one) => one.name === name)?.config['task'];
  for (const own of [
    'prepare:genre',
    'soft-label:genre',
    'evaluate:teacher.genre',
    'evaluate:both.genre',
  ]) {
    assert.equal(taskOf(own), 'regression', own);
  }
  for (const first of ['prepare', 'soft-label', 'train-student:both', 'evaluate:both']) {
    assert.equal(taskOf(first), undefined, first);
  }
  const training = graph.find(({ name }) => name === 'train-student:both');
  assert.deepEqual(training?.config['taskHeads'], { genre: { weight: 0.5, task: 'regression' } });
});

test('a student of gold alone does not wait for the teachers of heads', () => {
  const graph = graphWith({ variants: { gold: { softLossWeight: 0, hardLossWeight: 1 } } });
  const { inputs = {} } = graph.find(({ name }) => name === 'train-student:gold') ?? {};
  assert.ok(!('heads/genre/rows/train' in inputs));
  assert.ok('heads/genre/labels/train' in inputs);
});

test('what is of one task is refused beside heads, all at once and with the way out', () => {
  const message = refused({
    teachers: { second: { model: 'teacher' } },
    augmentations: [{ dropWords: 0.1 }],
    student: {
      architecture: 'auto',
      hints: [{ from: 'pooler', loss: 'mse', weight: 1 }],
    },
    variants: {
      both: { classWeights: { yes: 2 } },
      other: { labels: 'hard-relabel' },
    },
    export: { goal: { precision: 0.9 } },
  });
  for (const part of [
    'student.vocabulary: a trimmed vocabulary is that of one corpus, and heads read several: set full',
    'teachers: each head learns from one teacher',
    'augmentations: views are made of the train rows of one corpus',
    'export.goal: an operating point is chosen for one task',
    'variants.other.labels: hard-relabel gives labels to the rows of one corpus',
    'student.architecture: auto chooses by the validation rows of one task',
    'student.hints: features of the teachers of several tasks',
    'variants.both.classWeights: names classes, and each head has others',
  ]) {
    assert.ok(message.includes(part), `${part} is not in\n${message}`);
  }
  const encoder = { architecture: 'bert', vocabulary: 'full' };
  const ofWords = refused({ task: 'token-classification', student: encoder });
  assert.match(
    ofWords,
    /heads: say one thing of a whole text \(classification, multi-label, regression\)/,
  );
  const numbers = { ...genre, task: 'regression' };
  const own = { softLoss: { module: './own.ts' }, sampling: 'balanced' };
  const unlike = refused({ heads: { numbers }, student: { ...student, ...own } });
  assert.match(
    unlike,
    /student\.softLoss: one loss of your own cannot compare classes and numbers/,
  );
  assert.match(
    unlike,
    /student\.sampling: of the head numbers: balanced draws rows by their one class/,
  );
  assert.match(
    refused({ heads: { numbers: { ...numbers, corpus: { ...corpus, corrections: 'd.csv' } } } }),
    /heads\.numbers\.corpus\.corrections: a correction is one class a row/,
  );
  assert.match(
    refused({
      heads: { numbers: { ...numbers, teacher: { embeddings: 'teacher', head: 'fit' } } },
    }),
    /heads\.numbers\.teacher\.embeddings: is for task: classification; name a teacher of regression by model/,
  );
  const tensors = { ...corpus, columns: { tensors: { pixels: 'image' } } };
  assert.match(
    refused({ heads: { genre: { ...genre, corpus: tensors } } }),
    /heads\.genre\.corpus\.columns\.tensors: students with heads read texts alone/,
  );
  const pairs = { ...corpus, columns: { textPair: 'answer' } };
  assert.match(
    refused({ heads: { genre: { ...genre, corpus: pairs } } }),
    /heads\.genre\.corpus\.columns\.textPair: one student is asked about pairs of texts, or about single ones/,
  );
  assert.equal(refused({ corpus: pairs, heads: { genre: { ...genre, corpus: pairs } } }), '');
  assert.equal(refused({ student: { ...student, classWeights: 'balanced' } }), '');
});

test('int8 weights, further seeds and students to start from have measurements of every head', () => {
  const graph = graphWith({
    export: { quantize: ['int8'] },
    variants: { both: { seeds: [1, 2] }, after: { initFrom: 'both' } },
  });
  const named = (name: string) => graph.find((one) => one.name === name);
  const int8 = named('evaluate:both.int8.genre');
  assert.deepEqual([int8?.config['quantize'], int8?.config['head']], ['int8', 'genre']);
  assert.equal(int8?.inputs['labels/test']?.instance, 'prepare:genre');
  const { inputs: ofExport = {} } = named('export-student:both') ?? {};
  assert.equal(ofExport['heads/genre/metrics/int8']?.instance, 'evaluate:both.int8.genre');
  const spread = named('seed-spread:both.genre');
  assert.deepEqual(spread?.config, {
    name: 'both.genre',
    students: ['both.genre', 'both.seed2.genre'],
  });
  assert.equal(named('train-student:after')?.inputs['initFrom']?.instance, 'train-student:both');
  const shown = Object.keys(named('report')?.inputs ?? {}).filter((input) =>
    input.endsWith('.genre'),
  );
  assert.deepEqual(shown.sort(), [
    'metrics.after.genre',
    'metrics.both.genre',
    'metrics.both.int8.genre',
    'metrics.teacher.genre',
    'spread.both.genre',
  ]);
});

test('a gate may name a figure of a head, and nothing else below heads', () => {
  const checked = (gate: unknown) => {
    const file = join(folder, 'gated.yaml');
    const two = { ...miniConfig, 'hard-relabel': undefined, variants: { both: {} } };
    writeFileSync(file, stringify({ ...two, heads: { genre }, student, gate }));
    checkGate(loadConfig({ file, environment: {}, set: [] }));
  };
  checked({ heads: { genre: { accuracy: 0.9, accuracyVsTeacher: 0.9, recall: { yes: 0.5 } } } });
  for (const gate of [
    { genre: { acuracy: 0.9 } },
    { genre: { fileMb: 2 } },
    { tone: { accuracy: 1 } },
  ]) {
    assert.throws(() => checked({ heads: gate }), /gate\.heads\.\w+\.\w+: no figure/);
  }
});

test('names of heads, and their teachers, are checked', () => {
  assert.match(refused({ heads: { main: genre } }), /"main" is the first task/);
  assert.match(
    refused({ heads: { genre: { corpus, teacher: {} } } }),
    /heads\.genre\.teacher: it has none of model, answers, embeddings/,
  );
  const other = join(folder, 'other');
  cpSync(join(folder, 'teacher'), other, { recursive: true });
  const file = join(other, 'tokenizer.json');
  const tokenizer = JSON.parse(readFileSync(file, 'utf8'));
  writeFileSync(file, JSON.stringify({ ...tokenizer, normalizer: null }));
  assert.match(
    refused({ heads: { genre: { ...genre, teacher: { model: 'other' } } } }),
    /heads\.genre\.teacher\.model: its tokenizer\.json differs from that of the first teacher/,
  );
});
