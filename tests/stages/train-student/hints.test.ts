import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors } from '#stages/students/safetensors.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { trainStudentConfig } from '#stages/train-student/settings.ts';
import { assertClose } from '#tests/support/close.ts';
import { failingWith } from '#tests/support/failure.ts';
import { runStage } from '#tests/support/run-stage.ts';
import { syntheticInputs } from './synthetic-corpus.ts';

const small = {
  architecture: 'bag',
  hiddenSize: 16,
  steps: 75,
  learningRate: 0.02,
  batchSize: 16,
  evaluateEvery: 75,
  device: 'cpu',
} as const;
const hints = (['mse', 'cosine', 'relation'] as const).map((loss) => ({
  from: 'class',
  loss,
  weight: 2,
}));
const inputs = await syntheticInputs({ hidden: true });

test('a student comes near to the features of its teacher, and leaves the projections at home', async () => {
  const plain = await runStage(trainStudent, { config: small, inputs });
  for (const hint of hints) {
    const run = await runStage(trainStudent, { config: { ...small, hints: [hint] }, inputs });
    const lines = (await readFile(join(run.outputs['log'] ?? '', 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>)
      .filter((line) => line['loss'] !== undefined);
    const [first = {}, last = {}] = [lines[0], lines.at(-1)];
    assert.ok(
      (last['hintLoss'] ?? 0) < 0.7 * (first['hintLoss'] ?? 0),
      JSON.stringify([hint, lines]),
    );
    const { loss = 0, softLoss = 0, hardLoss = 0, hintLoss = 0 } = last;
    assertClose(loss, 0.9 * softLoss + 0.1 * hardLoss + hintLoss, 1e-5, 'printed loss');
    assert.equal(run.counts['parameters'], plain.counts['parameters']);
    const tensors = async ({ outputs }: typeof run) => [
      ...(await readSafetensors(join(outputs['student'] ?? '', 'model.safetensors'))).keys(),
    ];
    assert.deepEqual(await tensors(run), await tensors(plain));
  }
});

test('a column that the cache lacks is refused with those that it has and the way out', async () => {
  const config = { ...small, hints: [{ from: 'pooler', loss: 'mse' }] };
  await assert.rejects(
    runStage(trainStudent, { config, inputs }),
    failingWith('E_HINT_COLUMN', 'hidden_pooler', 'hidden_class'),
  );
});

test('hints without soft labels, and attention, are refused by name', async () => {
  const config = { ...small, softLossWeight: 0, hardLossWeight: 1, hints };
  await assert.rejects(
    runStage(trainStudent, { config, inputs }),
    failingWith('E_HINT_FORM', 'softLossWeight is 0'),
  );
  const parsed = trainStudentConfig.safeParse({ hints: [{ from: 'x', loss: 'attention' }] });
  assert.match(parsed.error?.issues[0]?.message ?? '', /attention is a square .* take relation/);
});

test('relation in parts of a batch is refused: a part sees few pairs', () => {
  const problem = (loss: string) =>
    trainStudentConfig.safeParse({ hints: [{ from: 'x', loss }], accumulate: 4 }).error?.issues[0];
  assert.match(problem('relation')?.message ?? '', /relation compares the rows .* mse or cosine/);
  assert.deepEqual(problem('relation')?.path, ['accumulate']);
  assert.equal(problem('cosine'), undefined);
});
