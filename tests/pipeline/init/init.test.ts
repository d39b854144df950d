import assert from 'node:assert/strict';
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type CliResult, runCli } from '#tests/support/mini-project.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

/** A copy of the mini sample without a configuration. */
function bareSample(): string {
  const folder = temporaryFolder('decant init ü');
  cpSync(sampleFolder('mini'), folder, { recursive: true });
  return folder;
}

const tiny = ['steps=30', 'layers=1', 'hiddenSize=32', 'evaluateEvery=30'].map(
  (setting) => `--set=student.${setting}`,
);

async function succeed(folder: string, ...args: string[]): Promise<CliResult> {
  const result = await runCli(args, folder);
  assert.equal(result.code, 0, `decant ${args.join(' ')}:\n${result.stderr}`);
  return result;
}

for (const [recipe, students] of [
  ['few-labels', ['gold-only', 'distilled', 'relabelled']],
  ['classification', ['gold-only', 'distilled']],
] as const) {
  test(`the recipe ${recipe} writes a configuration that runs to the end`, async () => {
    const folder = bareSample();
    await succeed(folder, 'init', 'labelled.csv', '--recipe', recipe);
    await succeed(folder, 'config', 'validate');
    const { stdout } = await succeed(folder, 'run', '--json', ...tiny);
    const { models, report } = JSON.parse(stdout) as {
      readonly models: readonly { readonly name: string }[];
      readonly report: string;
    };
    assert.deepEqual(
      models.map(({ name }) => name),
      ['teacher', ...students],
    );
    assert.ok(existsSync(report));
  });
}

test('init finds the siblings, the teacher, the roles, and keeps all logits of few classes', async () => {
  const folder = bareSample();
  const { stdout } = await succeed(folder, 'init', 'labelled.csv');
  assert.match(stdout, /^columns +text = text, label = label, id = id$/m);
  assert.match(stdout, /^recipe +few-labels/m);
  const text = readFileSync(join(folder, 'decant.yaml'), 'utf8');
  assert.match(text, /train: \[labelled.csv, unlabelled.jsonl\]/);
  assert.match(text, /validation: validation.jsonl/);
  assert.match(text, /soft-label: \{ keep: all \}/);
  assert.match(text, /maxLength: 64/);
});

test('init never replaces a configuration unless --force says so', async () => {
  const folder = bareSample();
  writeFileSync(join(folder, 'decant.yaml'), 'mine: true\n');
  const { code, stderr } = await runCli(['init', 'labelled.csv'], folder);
  assert.equal(code, 2);
  assert.match(stderr, /E_INIT_EXISTS/);
  assert.equal(readFileSync(join(folder, 'decant.yaml'), 'utf8'), 'mine: true\n');
  await succeed(folder, 'init', 'labelled.csv', '--force');
});

test('without test rows init refuses, and --hold-out puts labelled rows aside', async () => {
  const folder = bareSample();
  for (const file of ['test.jsonl', 'validation.jsonl']) rmSync(join(folder, file));
  const { code, stderr } = await runCli(['init', 'labelled.csv'], folder);
  assert.equal(code, 2);
  assert.match(stderr, /--hold-out 0\.2/);
  await succeed(folder, 'init', 'labelled.csv', '--hold-out', '0.2');
  const linesOf = (name: string) => readFileSync(join(folder, name), 'utf8').trim().split('\n');
  const [train, held] = [linesOf('labelled-train.jsonl'), linesOf('labelled-test.jsonl')];
  assert.equal(train.length + held.length, 120);
  assert.ok(held.length > 10 && held.length < 40, `${held.length} rows held out`);
  const { stdout } = await succeed(folder, 'config', 'show');
  assert.match(stdout, /test: labelled-test.jsonl/);
  assert.match(stdout, /fraction: 0.1/);
});

test('init sees a CoNLL file by its name, counts its tags and writes the task', async () => {
  const folder = bareSample();
  const sentence = 'My\tO\nnew\tB-card\ncard\tI-card\n\n';
  const sentences = Array.from({ length: 8 }, (_, row) => `word${row}\tO\n${sentence}`);
  for (const name of ['train.conll', 'test.conll']) {
    writeFileSync(join(folder, name), sentences.join(''));
  }
  const id2label = { 0: 'O', 1: 'B-card', 2: 'I-card' };
  writeFileSync(join(folder, 'teacher', 'config.json'), JSON.stringify({ id2label }));
  const { stdout } = await succeed(folder, 'init', 'train.conll');
  assert.match(stdout, /^labels +3, 8 to 16 words each$/m);
  assert.match(stdout, /^train +8 rows, 8 labelled/m);
  assert.match(stdout, /^note +unlabelled.jsonl is left out/m);
  const { stdout: config } = await succeed(folder, 'config', 'show');
  assert.match(config, /^task: token-classification$/m);
  assert.match(config, /train: train\.conll/);
  const { stderr } = await runCli(['init', 'train.conll', '--force', '--hold-out', '0.2'], folder);
  assert.match(stderr, /E_INIT_HOLD_OUT/);
});
