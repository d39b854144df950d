import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { classProbabilities } from '#datasets/soft-labels/class-probabilities.ts';
import type { SoftLabelMeta, SoftLabelRows } from '#datasets/soft-labels/soft-labels.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { metaOfMeans, openExampleLabels, windowMeans } from '#datasets/window-means.ts';
import { softmax } from '#stages/numerics/softmax.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  exampleId,
  softLabelFolder,
  softLabelsOf,
  TINY_CLASSES,
  tinyMeta,
} from '#tests/support/tiny-world.ts';

const WINDOWS: Partial<SoftLabelMeta> = { perWindow: true };
const logits = fc.array(fc.double({ min: -6, max: 6, noNaN: true }), {
  minLength: 3,
  maxLength: 3,
});
const texts = fc.array(fc.array(logits, { minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 6,
});

/** Rows of windows, the windows of an example one behind the other. */
function windowRows(windows: readonly (readonly (readonly number[])[])[], meta: SoftLabelMeta) {
  const rows = windows.flatMap((own, number) =>
    own.map((values) => ({ id: exampleId(number), logits: values })),
  );
  const positions = Int32Array.from(windows.flatMap((own) => [...own.keys()]));
  return { ...softLabelsOf('train', rows, meta), positions } satisfies SoftLabelRows;
}

function withoutPositions({ positions: _positions, ...rows }: SoftLabelRows): SoftLabelRows {
  return rows;
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, tolerance = 1e-5): void {
  assert.equal(a.length, b.length);
  for (let at = 0; at < a.length; at++) {
    assert.ok(Math.abs((a[at] ?? NaN) - (b[at] ?? NaN)) < tolerance, `${a[at]} and ${b[at]}`);
  }
}

for (const mode of ['dense', 'top-k'] as const) {
  test(`property: ${mode} means are the means of the windows' probabilities`, () => {
    const meta = tinyMeta({ ...WINDOWS, mode, topK: mode === 'dense' ? null : 2 });
    fc.assert(
      fc.property(texts, (windows) => {
        const means = windowMeans(windowRows(windows, meta), meta);
        const of = classProbabilities(means, metaOfMeans(meta));
        const { classIds, confidences } = topClasses(means, metaOfMeans(meta));
        assert.equal(means.rowCount, windows.length);
        for (const [row, own] of windows.entries()) {
          const probs = TINY_CLASSES.map(
            (_, id) =>
              own.reduce((sum, one) => sum + (softmax(Float32Array.from(one))[id] ?? 0), 0) /
              own.length,
          );
          // With two of three classes kept, the third is the tail: nothing is guessed.
          close(of(row), probs);
          close([confidences[row] ?? 0], [Math.max(...probs)]);
          close([probs[classIds[row] ?? -1] ?? 0], [Math.max(...probs)]);
          const entropy = -probs.reduce((sum, p) => sum + (p === 0 ? 0 : p * Math.log(p)), 0);
          close([means.entropyNats[row] ?? NaN], [entropy]);
        }
      }),
    );
  });
}

test('draws of the windows are put together, the best class first', () => {
  const meta = tinyMeta({ ...WINDOWS, mode: 'sampled', topK: null, samples: 4, temperatures: [1] });
  const rows = windowRows(
    [
      [
        [0, 0, 0],
        [0, 0, 0],
      ],
    ],
    tinyMeta(),
  );
  const sampled = {
    offsets: Int32Array.of(0, 2, 4),
    ids: Int32Array.of(0, 1, 2, 1),
    counts: Int32Array.of(3, 1, 1, 3),
    confidence: Float32Array.of(0.7, 0.5),
  };
  const means = windowMeans({ ...rows, sampled }, meta);
  assert.deepEqual([...(means.sampled?.ids ?? [])], [1, 0, 2]);
  assert.deepEqual([...(means.sampled?.counts ?? [])], [4, 3, 1]);
  // Class 1 has a share of 1/4 and of 3/4.
  close(means.sampled?.confidence ?? [], [0.5]);
  close(classProbabilities(means, metaOfMeans(meta))(0), [3 / 8, 4 / 8, 1 / 8]);
});

test('a folder of windows is read as one row an example, other folders as they are', async () => {
  const meta = tinyMeta(WINDOWS);
  const rows = windowRows(
    [
      [[1, 0, 0]],
      [
        [1, 2, 0],
        [0, 1, 0],
      ],
    ],
    meta,
  );
  for (const [folder, wanted] of [
    [await softLabelFolder(temporaryFolder(), rows, meta), 2],
    [await softLabelFolder(temporaryFolder(), withoutPositions(rows), tinyMeta()), 3],
  ] as const) {
    const labels = await openExampleLabels(folder);
    let count = 0;
    for await (const part of labels.rows()) count += part.rowCount;
    await labels.close();
    assert.equal(count, wanted);
  }
});
