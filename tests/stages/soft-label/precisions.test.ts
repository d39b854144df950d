import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readClasses } from '#datasets/classes.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { externalTensor, graph, model, node, valueInfo } from '#stages/onnx/wire.ts';
import { int8Teacher } from '#tests/stages/onnx/logit-models.ts';
import { halfModel } from '#tests/support/half-model.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  CLASS_COUNT,
  corpusOf,
  rowsOf,
  runSoftLabel,
  tokensOf,
  VOCABULARY,
  writeCorpus,
} from './small-run.ts';

const folder = temporaryFolder();
const inputs = await writeCorpus(corpusOf(40));

function file(name: string, bytes: Uint8Array): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

async function logitsOf(path: string, rows = inputs, config: Record<string, unknown> = {}) {
  const run = await runSoftLabel({
    inputs: rows,
    config: { keep: 'all', ...config },
    files: { model: [path] },
  });
  return { run, logits: (await rowsOf(run, 'train')).rows.logits };
}

test('a real teacher in float16 says what it says in float32: the same best class, |dp| below 0.01', async () => {
  const teacher = join(sampleFolder('mini'), 'teacher');
  const float32 = join(teacher, 'onnx', 'model.onnx');
  const float16 = file('half.onnx', halfModel(readFileSync(float32)));
  const names = JSON.parse(readFileSync(join(sampleFolder('mini'), 'labels.json'), 'utf8'));
  const words = (row: number) => tokensOf(row).map((token) => 100 + 7 * token);
  const rows = await writeCorpus(corpusOf(40), { classNames: names, tokens: words });
  const [full, half] = [await logitsOf(float32, rows), await logitsOf(float16, rows)];
  const width = (await readClasses(full.run.outputs['classes'] ?? '')).length;
  assert.notDeepEqual(half.logits, full.logits);
  for (let from = 0; from < full.logits.length; from += width) {
    const [p, q] = [full, half].map(({ logits }) => softmax(logits.subarray(from, from + width)));
    assert.ok(p !== undefined && q !== undefined);
    assert.equal(q.indexOf(Math.max(...q)), p.indexOf(Math.max(...p)));
    p.forEach((one, id) => assert.ok(Math.abs(one - (q[id] ?? NaN)) < 0.01));
  }
});

const width = 16;
const bytes = (count: number, step: number) =>
  Int8Array.from({ length: count }, (_, at) => Math.round(Math.sin(at * step) * 100));
const words = { values: bytes(VOCABULARY * width, 12.9898), width };
const head = { values: bytes(width * CLASS_COUNT, 78.233), classCount: CLASS_COUNT };

test('weights in int8, restored by DequantizeLinear, give the logits of their values', async () => {
  const { run, logits } = await logitsOf(file('int8.onnx', int8Teacher('weights', words, head)));
  assert.deepEqual(run.warnings, []);
  corpusOf(40).train.forEach((row, place) => {
    expectedLogits(row).forEach((logit, id) => near(logits[place * CLASS_COUNT + id], logit, 1e-4));
  });
});

test('a teacher that multiplies integers is near them, and it is told that its batches matter', async () => {
  const path = file('dynamic.onnx', int8Teacher('dynamic', words, head));
  const { run, logits } = await logitsOf(path);
  assert.match(run.warnings.join('\n'), /quantises its activations as it runs/);
  // Each of 16 activations is off by at most half a step of a range of about 50.
  corpusOf(40).train.forEach((row, place) => {
    expectedLogits(row).forEach((logit, id) => near(logits[place * CLASS_COUNT + id], logit, 2));
  });
  const other = await logitsOf(path, inputs, { tokenBudget: 64 });
  assert.notDeepEqual(other.logits, logits);
});

test('weights of more than 2 GiB in a file of their own are read where they lie', async (t) => {
  const [rows, wide] = [1_100_000, 512];
  const byteLength = rows * wide * 4;
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < 2 ** 24) return t.skip('the disk is full');
  if (freemem() < 2 ** 29) return t.skip('less than 512 MiB of memory are free');
  // A hole of 2.1 GiB with a few rows of weights at its end: it takes no disk and no memory.
  const data = join(folder, 'words.bin');
  const handle = openSync(data, 'w');
  ftruncateSync(handle, byteLength);
  for (let token = 1; token < VOCABULARY; token++) {
    const row = Float32Array.from({ length: wide }, (_, at) => Math.sin(token * 7 + at));
    writeSync(handle, row, 0, row.byteLength, (rows - VOCABULARY + token) * wide * 4);
  }
  closeSync(handle);
  if (statSync(data).blocks * 512 > 2 ** 26) return t.skip('the file system has no sparse files');
  const path = file('large.onnx', largeTeacher([rows, wide], byteLength));
  const tokens = (row: number) => tokensOf(row).map((token) => rows - VOCABULARY + token);
  const { run, logits } = await logitsOf(path, await writeCorpus(corpusOf(8), { tokens }));
  assert.equal(run.counts['teacherRows'], 14);
  corpusOf(8).train.forEach((row, place) => {
    for (let id = 0; id < CLASS_COUNT; id++) {
      const expected = tokensOf(row).reduce((sum, token) => sum + Math.sin(token * 7 + id), 0);
      near(logits[place * CLASS_COUNT + id], expected, 1e-4);
    }
  });
  assert.ok(process.resourceUsage().maxRSS * 1024 < byteLength, 'the file was not mapped');
});

/** The sum of the tokens' rows; its first classes are the logits. */
function largeTeacher(shape: readonly [number, number], byteLength: number): Uint8Array {
  const place = { location: 'words.bin', offset: 0, byteLength };
  return model(
    graph({
      name: 'large',
      nodes: [
        node('Gather', ['words', 'input_ids'], ['vectors']),
        node('Cast', ['attention_mask'], ['mask'], { to: { int: 1 } }),
        node('Unsqueeze', ['mask'], ['mask3'], { axes: { ints: [2] } }),
        node('Mul', ['vectors', 'mask3'], ['seen']),
        node('ReduceSum', ['seen'], ['bag'], { axes: { ints: [1] }, keepdims: { int: 0 } }),
        node('Split', ['bag'], ['logits', 'rest'], {
          axis: { int: 1 },
          split: { ints: [CLASS_COUNT, shape[1] - CLASS_COUNT] },
        }),
      ],
      initializers: [externalTensor('words', 'float32', shape, place)],
      inputs: ['input_ids', 'attention_mask'].map((name) =>
        valueInfo(name, 'int64', ['batch', 'sequence']),
      ),
      outputs: [valueInfo('logits', 'float32', ['batch', CLASS_COUNT])],
    }),
    { opset: 12 },
  );
}

/** In float64, of the values that the integers stand for. */
function expectedLogits(row: number): number[] {
  return Array.from({ length: CLASS_COUNT }, (_, id) => {
    let logit = 0;
    for (let at = 0; at < width; at++) {
      const bag = tokensOf(row).reduce(
        (sum, token) => sum + (words.values[token * width + at] ?? 0) / 64,
        0,
      );
      logit += (bag * (head.values[at * CLASS_COUNT + id] ?? 0)) / 64;
    }
    return logit;
  });
}

function near(found: number | undefined, expected: number, tolerance: number): void {
  assert.ok(Math.abs((found ?? NaN) - expected) <= tolerance, `${found} is not ${expected}`);
}
