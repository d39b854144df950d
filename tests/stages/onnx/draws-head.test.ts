import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomFor } from '#stages/numerics/random.ts';
import { drawClasses } from '#stages/numerics/sampling.ts';
import { skimModel } from '#stages/onnx/model-skim.ts';
import { float32Of, int32Of, openSession } from '#stages/onnx/session.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { echoModel } from './logit-models.ts';

const ROWS = 5;
const DRAWS = 60;

for (const opset of [11, 13, 17, 21]) {
  for (const classCount of [2, 3, 6, 77, 1000]) {
    for (const temperature of [1, 2.5]) {
      test(`opset ${opset}, ${classCount} classes, T ${temperature}: the graph draws what inversion in float64 draws`, async () => {
        const random = randomFor(classCount, 'logits');
        const x = Float32Array.from({ length: ROWS * classCount }, () => 6 * random() - 3);
        const { ids, best, confidence } = await drawn(x, { opset, classCount, temperature });
        for (let row = 0; row < ROWS; row++) {
          const logits = x.subarray(row * classCount, (row + 1) * classCount);
          const options = { temperature, draws: DRAWS };
          const wanted = drawClasses(logits, options, randomFor(0, `${row}`));
          assert.deepEqual(
            countsOf(ids.subarray(row * DRAWS, (row + 1) * DRAWS)),
            [...wanted.ids.entries()].map(([at, id]) => [id, wanted.counts[at]]),
          );
          const highest = Math.max(...logits);
          assert.equal(best[row], logits.indexOf(highest));
          const sum = logits.reduce((total, logit) => total + Math.exp(logit - highest), 0);
          assert.equal(confidence[row], Math.fround(1 / sum));
        }
      });
    }
  }
}

async function drawn(
  x: Float32Array,
  { opset, classCount, temperature }: { opset: number; classCount: number; temperature: number },
) {
  const bytes = echoModel({ opset, shape: ['', classCount] });
  const head = softLabelHead(skimModel(bytes), {
    topK: undefined,
    temperatures: [],
    draws: { draws: DRAWS, temperature, classCount },
  });
  const { draws } = head.outputs;
  assert.ok(draws !== undefined);
  const session = await openSession(bytes, { device: 'cpu', threads: 1, appendix: head.bytes });
  try {
    const points = new Float64Array(ROWS * DRAWS);
    for (let row = 0; row < ROWS; row++) {
      const random = randomFor(0, `${row}`);
      for (let draw = 0; draw < DRAWS; draw++) points[row * DRAWS + draw] = random();
    }
    const results = await session.run(
      {
        x: { type: 'float32', data: x, dims: [ROWS, classCount] },
        [draws.points]: { type: 'float64', data: points, dims: [ROWS, DRAWS] },
      },
      [draws.ids, draws.best, draws.confidence],
    );
    return {
      ids: int32Of(results, draws.ids),
      best: int32Of(results, draws.best),
      confidence: float32Of(results, draws.confidence),
    };
  } finally {
    await session.close();
  }
}

function countsOf(ids: Int32Array): [number, number][] {
  const counts = new Map<number, number>();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => a - b);
}
