import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { loadConfig } from '#pipeline/config/config.ts';
import { graphOf } from '#pipeline/wiring/wiring.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
cpSync(join(sampleFolder('mini'), 'teacher'), join(folder, 'teacher'), { recursive: true });
const teacher = { answers: 'answers.jsonl', tokenizer: 'teacher' };

/** The graph of the mini corpus with answers for a teacher, and these sections instead. */
function graphWith(sections: Readonly<Record<string, unknown>>) {
  const file = join(folder, 'decant.yaml');
  const own = { 'hard-relabel': undefined, variants: { distilled: {} }, teacher };
  writeFileSync(file, stringify({ ...miniConfig, ...own, ...sections }));
  const graph = graphOf(loadConfig({ file, environment: {}, set: [] }));
  return (name: string) => graph.find((one) => one.name === name);
}

test('stage one reads answers of several labels and of numbers, with the separator of the corpus', () => {
  for (const task of ['multi-label', 'regression']) {
    const named = graphWith({ task, corpus: { ...miniConfig.corpus, separator: '|' } });
    const { config, files } = named('soft-label') ?? {};
    assert.deepEqual(files?.['answers'], [join(folder, 'answers.jsonl')]);
    assert.deepEqual(config?.['answers'], {
      columns: { text: 'text', textPair: undefined, id: 'id' },
      separator: '|',
      smoothing: undefined,
      missing: undefined,
    });
  }
});

test('the corpus depends on answers only where they tell its classes', () => {
  const columns = { label: ['a', 'b'] };
  for (const [sections, isRead] of [
    [{ task: 'multi-label' }, true],
    [{ task: 'multi-label', corpus: { ...miniConfig.corpus, classNames: ['a', 'b'] } }, false],
    [{ task: 'multi-label', corpus: { ...miniConfig.corpus, columns } }, false],
    [{ task: 'regression' }, false],
  ] as const) {
    const read = graphWith(sections)('prepare')?.files['answers'];
    assert.equal(read !== undefined, isRead, JSON.stringify(sections));
  }
});

test('what a task cannot take of who is no model is refused with the tasks that can', () => {
  for (const [sections, says] of [
    [{ task: 'token-classification' }, /answers: is for task: classification, multi-label or regr/],
    [
      { task: 'regression', teacher: { embeddings: 'teacher', head: 'fit' } },
      /embeddings: is for task: classification; name a teacher of regression by model/,
    ],
    [
      { task: 'regression', teacher: { ...teacher, smoothing: 0.2 } },
      /teacher\.smoothing: spreads a label over the classes, and a number is none/,
    ],
  ] as const) {
    assert.throws(() => graphWith(sections), says);
  }
});
