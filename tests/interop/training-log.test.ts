import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTrainingLog } from '#stages/train-student/training-log.ts';
import { repository } from '#tests/support/paths.ts';
import { pythonProgram, runProgram, runPython } from '#tests/support/python.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const folder = temporaryFolder();
const log = await openTrainingLog(folder, {
  step: 0,
  parameters: [
    { name: 'head.weight', shape: [2, 2], offset: 0, length: 4 },
    { name: 'head.bias', shape: [2], offset: 4, length: 2 },
  ],
  now: () => 1_700_000_000_000,
});
await log.append({
  step: 25,
  loss: 0.5,
  softLoss: 0.25,
  gradNorm: 2,
  learningRate: 0.001,
  waitShare: 0.01,
});
await log.append({ step: 50, validationAccuracy: 0.75, agreement: null });
await log.describe({
  weights: Float32Array.of(0, 1, 2, 60, -1, -1),
  slots: { firstMoment: Float32Array.of(3, 4, 0, 0, 0, 0), secondMoment: new Float32Array(6) },
  step: 50,
});

test("TensorBoard's own reader shows the numbers and the spread of the weights", async () => {
  const shown = await runPython<Shown>('interop/training_log.py', folder);
  assert.deepEqual(shown.scalars, {
    'train/loss': [[25, 0.5]],
    'train/softLoss': [[25, 0.25]],
    'train/gradNorm': [[25, 2]],
    'train/learningRate': [[25, Math.fround(0.001)]],
    'train/waitShare': [[25, Math.fround(0.01)]],
    'validation/validationAccuracy': [[50, 0.75]],
    'gradients/head.weight': [[50, 5]],
    'gradients/head.bias': [[50, 0]],
  });
  assert.deepEqual(Object.keys(shown.histograms).sort(), [
    'weights/head.bias',
    'weights/head.weight',
  ]);
  const [[step, count, min, max, limits, counts] = []] =
    shown.histograms['weights/head.weight'] ?? [];
  assert.deepEqual([step, count, min, max], [50, 4, 0, 60]);
  assert.deepEqual(
    limits,
    Array.from({ length: 30 }, (_, bucket) => 2 * (bucket + 1)),
  );
  assert.deepEqual(counts, [2, 1, ...Array.from({ length: 26 }, () => 0), 0, 1]);
});

test("the README's script hands every line of the log to Weights & Biases", async () => {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const script = /```python\n([^`]*wandb[^`]*)```/.exec(readme)?.[1];
  assert.ok(script !== undefined, 'README.md has the script');
  const elsewhere = temporaryFolder();
  mkdirSync(join(elsewhere, 'wandb'));
  writeFileSync(join(elsewhere, 'wandb', '__init__.py'), WANDB);
  writeFileSync(join(elsewhere, 'to_wandb.py'), script);
  const metrics = join(folder, 'metrics.jsonl');
  const { code, stdout, stderr } = await runProgram(pythonProgram(), ['to_wandb.py', metrics], {
    cwd: elsewhere,
  });
  assert.equal(code, 0, stderr);
  assert.deepEqual(stdout.trim().split('\n'), [
    'init {"project": "decant"}',
    'log 25 {"loss": 0.5, "softLoss": 0.25, "gradNorm": 2, "learningRate": 0.001, "waitShare": 0.01}',
    'log 50 {"validationAccuracy": 0.75}',
    'finish',
  ]);
});

interface Shown {
  readonly scalars: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly histograms: Readonly<
    Record<
      string,
      readonly (readonly [number, number, number, number, readonly number[], readonly number[]])[]
    >
  >;
}

/** Stands in for the library, which wants an account: it prints what it is told. */
const WANDB = `
import json

class Run:
    def log(self, values, step): print("log", step, json.dumps(values))
    def finish(self): print("finish")

def init(**options):
    print("init", json.dumps(options))
    return Run()
`;
