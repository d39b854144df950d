import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { digits, fashionFiles } from '#tests/support/image-rows.ts';
import { cook } from '#tests/support/recipe.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';

const all = digits();
const skip = all === undefined && 'the digits beside the checkout are not there';
const names = Array.from({ length: 10 }, (_, digit) => String(digit));

test('frames: a cnn slides over 8 time steps with 8 values each', {
  skip,
}, async () => {
  const rows = (all ?? []).map(({ pixels, label }) => ({
    label,
    frames: Array.from({ length: 8 }, (_, step) => pixels.slice(8 * step, 8 * step + 8)),
  }));
  const { figures } = await cook({
    isText: false,
    splits: {
      train: rows.slice(0, 600),
      validation: rows.slice(600, 700),
      test: rows.slice(700, 1000),
    },
    corpus: {
      classNames: names,
      columns: {
        text: null,
        tensors: { frames: { columns: 'frames', shape: [8, 8], scale: 0.0625 } },
      },
    },
    teacher: { architecture: 'mlp', hiddenSize: 64, steps: 120, evaluateEvery: 60 },
    student: {
      architecture: 'cnn',
      hiddenSize: 32,
      learningRate: 0.01,
      steps: 120,
      evaluateEvery: 60,
    },
  });
  assert.ok(accuracy(figures.student) > 0.8, `student ${accuracy(figures.student)}`);
});

test('IDX files: Fashion-MNIST as it is published, bytes scaled by 1/255, into a cnn', {
  skip,
}, async () => {
  const folder = temporaryFolder();
  const write = (split: string, from: number, to: number): string => {
    const parts = fashionFiles(from, to);
    const path = join(folder, `${split}-images-idx3-ubyte.gz`);
    if (parts === undefined) return path;
    writeFileSync(path, gzipSync(parts.images));
    writeFileSync(join(folder, `${split}-labels-idx1-ubyte.gz`), gzipSync(parts.labels));
    return path;
  };
  const { figures } = await cook({
    isText: false,
    splits: {
      train: write('train', 0, 1500),
      validation: write('validation', 1500, 1800),
      test: write('test', 1800, 2300),
    },
    corpus: {
      classNames: names,
      columns: {
        text: null,
        tensors: { image: { columns: 'pixels', shape: [28, 28, 1], scale: '1/255' } },
      },
    },
    teacher: { architecture: 'mlp', hiddenSize: 64, layers: 1, steps: 80, evaluateEvery: 80 },
    student: {
      architecture: 'cnn',
      layers: 3,
      hiddenSize: 32,
      learningRate: 0.01,
      steps: 120,
      evaluateEvery: 120,
    },
  });
  assert.ok(accuracy(figures.teacher) > 0.7, `teacher ${accuracy(figures.teacher)}`);
  assert.ok(accuracy(figures.student) > 0.68, `student ${accuracy(figures.student)}`);
});

function accuracy(metrics: AnyMetrics): number {
  return 'accuracy' in metrics ? metrics.accuracy : Number.NaN;
}
