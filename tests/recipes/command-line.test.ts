import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { decant } from '#tests/support/decant-in.ts';
import { digits } from '#tests/support/image-rows.ts';
import { trainTeacher } from '#tests/support/recipe.ts';
import { snips } from '#tests/support/slot-sets.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const all = digits();
const skip = all === undefined && 'the data beside the checkout is not there';

test('decant run distils images from a CSV file, and its cache can be asked', {
  skip,
}, async () => {
  const rows = (all ?? []).map(({ pixels, label }) => ({ pixels, digit: label }));
  const folder = temporaryFolder('decant-digits');
  const columns = { text: null, label: 'digit', tensors: { image: 'pixels' } };
  const splits = {
    train: rows.slice(0, 400),
    validation: rows.slice(400, 500),
    test: rows.slice(500, 700),
  };
  const teacher = await trainTeacher({
    isText: false,
    splits,
    corpus: { classNames: Array.from({ length: 10 }, (_, digit) => String(digit)), columns },
    teacher: { architecture: 'mlp', hiddenSize: 48, steps: 100, evaluateEvery: 100 },
  });
  for (const [split, part] of Object.entries(splits)) {
    const header = [...Array.from({ length: 64 }, (_, place) => `p${place}`), 'digit'].join(',');
    const lines = part.map(({ pixels, digit }) => [...pixels, digit].join(','));
    writeFileSync(join(folder, `${split}.csv`), `${[header, ...lines].join('\n')}\n`);
  }
  writeFileSync(
    join(folder, 'decant.yaml'),
    `
corpus:
  train: train.csv
  validation: validation.csv
  test: test.csv
  columns: { text: null, label: digit, tensors: { image: "p*" } }
teacher: { model: ${JSON.stringify(teacher)} }
student: { architecture: mlp, layers: 1, hiddenSize: 24, learningRate: 0.01, steps: 80, evaluateEvery: 80 }
variants: { distilled: {} }
device: cpu
`,
  );
  const run = decant(folder, ['run', '--to', 'evaluate']);
  assert.equal(run.status, 0, run.stderr);
  const said = decant(folder, ['cache', 'sql', '--format', 'csv', QUESTION]);
  assert.equal(said.status, 0, said.stderr);
  const [rows700, right] = said.stdout.trim().split('\n')[1]?.split(',').map(Number) ?? [];
  assert.equal(rows700, 700);
  assert.ok((right ?? 0) > 0.8, said.stdout);
  const check = decant(folder, ['teacher', 'check', teacher]);
  assert.match(
    check.stdout,
    /^accuracy +[6-9]\d\.\d % of 100 labelled validation rows/m,
    check.stderr,
  );
  assert.match(check.stdout, /^validation\.csv:2 +\d /m);
  assert.doesNotMatch(check.stdout, /tokenizer|tokens/);
  const elsewhere = decant(temporaryFolder(), ['teacher', 'check', teacher]);
  assert.match(elsewhere.stderr, /reads no text \(inputs: image\).*which rows to show it/);
});

const QUESTION =
  'select count(*) as rows, avg((top_label = gold_label)::INT) as right from soft_labels';

test('decant run distils several labels, gate and predict included', { skip }, async () => {
  const label = (slots: readonly string[]) => slots;
  const train = (snips('train', 80) ?? []).map((one) => ({
    text: one.text,
    label: label(one.slots),
  }));
  const known = new Set(train.flatMap((row) => row.label));
  const held = (snips('validate', 40) ?? []).map((one) => ({
    text: one.text,
    label: one.slots.filter((slot) => known.has(slot)),
  }));
  const splits = {
    train,
    validation: held.filter((_, index) => index % 3 === 0),
    test: held.filter((_, index) => index % 3 !== 0),
  };
  const folder = temporaryFolder('decant-slots');
  mkdirSync(folder, { recursive: true });
  const teacher = await trainTeacher({
    task: 'multi-label',
    isText: true,
    splits,
    corpus: { classNames: [...known].sort() },
    teacher: {
      architecture: 'bag',
      hiddenSize: 64,
      learningRate: 0.01,
      steps: 250,
      evaluateEvery: 250,
    },
  });
  // In a table the labels of a row stand in one cell.
  for (const [split, part] of Object.entries(splits)) {
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const lines = part.map((row) => `${quoted(row.text)},${row.label.join('|')}`);
    writeFileSync(join(folder, `${split}.csv`), `text,label\n${lines.join('\n')}\n`);
  }
  writeFileSync(
    join(folder, 'decant.yaml'),
    `
task: multi-label
corpus: { train: train.csv, validation: validation.csv, test: test.csv, separator: "|" }
teacher: { model: ${JSON.stringify(teacher)} }
student: { architecture: modernbert, layers: 1, hiddenSize: 32, learningRate: 0.004, temperature: 1, steps: 250, evaluateEvery: 250 }
variants: { distilled: {} }
gate: { microF1: 0.35, f1: { city: 0 } }
export: { goal: { precision: 0.8 }, quantize: [int8] }
device: cpu
`,
  );
  const run = decant(folder, ['run', '--json']);
  assert.equal(run.status, 0, run.stderr);
  const { student } = JSON.parse(run.stdout);
  const said = decant(folder, ['predict', '--student', student], 'what is the weather in paris\n');
  assert.match(said.stdout, /^(timeRange|-)\t0\.\d+\t.*paris/m, said.stderr);
  const head = decant(folder, ['cache', 'head', '--split', 'test']);
  assert.match(head.stdout, /playlist 0\.\d/, head.stderr);
  const card = readFileSync(join(student, 'README.md'), 'utf8');
  assert.match(card, /micro-F1/);
  for (const file of ['model', 'model_quantized']) {
    assert.match(
      card,
      new RegExp(`\\| test, \`onnx/${file}\\.onnx\`, \\d+ rows \\| \\d+\\.\\d % \\|`),
    );
  }
  assert.match(card, /int8 weights (reach the goal as well|miss the goal) on validation/);
  const [figures] = /^\| validation, `onnx\/model\.onnx`.*$/m.exec(card) ?? [''];
  const [, , precision = '0'] = figures.match(/[\d.]+(?= %)/g) ?? [];
  assert.ok(Number(precision) > 0, figures);
  const verified = decant(folder, ['cache', 'verify', '--against-teacher', '--sample', '20%']);
  assert.equal(verified.status, 0, verified.stderr);
});
