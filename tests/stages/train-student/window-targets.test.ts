import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { targetSource } from '#stages/train-student/targets/mixed-caches.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';
import { targetsOfCache } from '#stages/train-student/targets/target-source.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  exampleId,
  softLabelFolder,
  softLabelsOf,
  TINY_CLASSES,
  tinyMeta,
} from '#tests/support/tiny-world.ts';

/** Three examples of one, two and three windows. */
const windows = [
  [[2, 0, -1]],
  [
    [3, 1, 0],
    [-1, 2, 0.5],
  ],
  [
    [0, 0, 4],
    [1, 0, 0],
    [0.5, 3, 1],
  ],
];

async function cache(mode: 'dense' | 'top-k') {
  const topK = mode === 'dense' ? null : 2;
  const meta = tinyMeta({ perWindow: true, mode, topK });
  const rows = windows.flatMap((own, example) =>
    own.map((logits) => ({ id: exampleId(example), logits })),
  );
  const positions = Int32Array.from(windows.flatMap((own) => [...own.keys()]));
  const labels = { ...softLabelsOf('train', rows, meta), positions };
  return openSoftLabels(await softLabelFolder(temporaryFolder(), labels, meta));
}

function probabilities(target: SoftTarget, temperature: number): number[] {
  assert.equal(target.type, 'dense');
  const logits = target.type === 'dense' ? target.logits : new Float32Array();
  return [...softmax(logits.map((logit) => logit / temperature))];
}

function meanOf(own: readonly (readonly number[])[], temperature: number): number[] {
  const all = own.map((logits) => softmax(Float32Array.from(logits, (z) => z / temperature)));
  return TINY_CLASSES.map((_, id) => all.reduce((sum, p) => sum + (p[id] ?? 0), 0) / all.length);
}

for (const mode of ['dense', 'top-k'] as const) {
  test(`a student learns the mean of the windows' probabilities at its temperature (${mode})`, async () => {
    const reader = await cache(mode);
    try {
      for (const temperature of [1, 2]) {
        const targets = await targetsOfCache(reader, temperature);
        assert.deepEqual([targets.rowCount, targets.layout.type], [3, 'dense']);
        assert.deepEqual(await targets.readIds(0), [0, 1, 2].map(exampleId));
        const targetOf = await targets.readTargets(0);
        for (const [row, own] of windows.entries()) {
          const [found, wanted] = [
            probabilities(targetOf(row), temperature),
            meanOf(own, temperature),
          ];
          for (const [id, p] of found.entries()) {
            assert.ok(Math.abs(p - (wanted[id] ?? NaN)) < 1e-6, `${p} and ${wanted[id]}`);
          }
        }
      }
    } finally {
      await reader.close();
    }
  });
}

test('two teachers of windows are mixed example by example, also by confidence', async () => {
  const readers = [await cache('dense'), await cache('top-k')];
  try {
    const caches = readers.map((reader) => ({ reader, weight: 1 }));
    for (const mix of ['weights', 'confidence'] as const) {
      const targets = await targetSource(caches, { temperature: 2, mix });
      assert.equal(targets?.rowCount, 3);
      const targetOf = await targets.readTargets(0);
      // They say the same, so that their mix does too.
      const found = probabilities(targetOf(2), 2);
      for (const [id, p] of meanOf(windows[2] ?? [], 2).entries()) {
        assert.ok(Math.abs(p - (found[id] ?? NaN)) < 1e-6);
      }
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
});
