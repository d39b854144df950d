import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
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
      seeds: [1, 2],
      hints: [{ from: 'pooler', loss: 'mse', weight: 1 }],
    },
    variants: {
      both: { initFrom: 'other', classWeights: { yes: 2 } },
      other: { labels: 'hard-relabel' },
    },
    export: { goal: { precision: 0.9 }, quantize: ['int8'] },
  });
  for (const part of [
    'student.vocabulary: a trimmed vocabulary is that of one corpus, and heads read several: set full',
    'teachers: each head learns from one teacher',
    'augmentations: views are made of the train rows of one corpus',
    'export.goal: an operating point is chosen for one task',
    'export.quantize: int8 weights are measured on one task alone',
    'variants.both.initFrom: the heads of another student are not taken over',
    'variants.other.labels: hard-relabel gives labels to the rows of one corpus',
    'student.seeds: means and spreads are of one task',
    'student.architecture: auto chooses by the validation rows of one task',
    'student.hints: features of the teachers of several tasks',
    'variants.both.classWeights: names classes, and each head has others',
  ]) {
    assert.ok(message.includes(part), `${part} is not in\n${message}`);
  }
  assert.match(refused({ task: 'multi-label' }), /heads: belong to task: classification/);
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
