import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSoftLabels } from '#datasets/soft-labels/soft-labels.ts';
import { readGraphNodes } from '#stages/onnx/graph-nodes.ts';
import { checkpointOnnx } from '#stages/students/checkpoint.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { characterProject } from '#tests/support/character-project.ts';
import { askTeacher, prepareFor } from '#tests/support/language-model-runs.ts';
import { runStage } from '#tests/support/run-stage.ts';

for (const [task, golden, architecture] of [
  ['causal-lm', 'gpt2', 'gpt2'],
  ['masked-lm', 'bert-masked-lm', 'bert'],
] as const) {
  test(`a student of a ${task} comes near to what its teacher holds at each asked token`, async () => {
    const project = characterProject(task, golden, architecture);
    const [folder, model] = [project.path('teacher'), project.path('teacher', 'model.onnx')];
    writeFileSync(model, await checkpointOnnx(folder));
    const feature = lastNormalised(model);
    const files = Object.fromEntries(
      ['train', 'validation', 'test'].map((split) => [split, [project.path(`${split}.txt`)]]),
    );
    const lengths = { teacherMaxLength: 16, studentMaxLength: 16, studentVocabulary: 'full' };
    const prepared = await prepareFor(folder, files, { task, ...lengths });
    const kept = { task, topK: 8, temperatures: [1], hidden: [feature] };
    const cache = await askTeacher(folder, prepared, kept);
    const reader = await openSoftLabels(cache.outputs['rows/train'] ?? '');
    await reader.close();
    // A row a token, a feature a row.
    assert.ok(reader.rowCount > 40 && (reader.meta.hidden?.[feature] ?? 0) > 8);

    const trained = await runStage(trainStudent, {
      config: {
        task,
        architecture,
        layers: 1,
        hiddenSize: 16,
        heads: 2,
        steps: 60,
        evaluateEvery: 60,
        batchSize: 8,
        learningRate: 0.01,
        temperature: 1,
        hints: [{ from: feature, loss: 'mse', weight: 2 }],
      },
      inputs: { ...prepared.outputs, ...cache.outputs },
    });
    const losses = readFileSync(join(trained.outputs['log'] ?? '', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { hintLoss?: number }).hintLoss)
      .filter((loss) => loss !== undefined);
    const [first = NaN, last = NaN] = [losses[0], losses.at(-1)];
    assert.ok(last < 0.7 * first, `${first} to ${last}`);
  });
}

/** What the last layer norm of the graph gives, which the head reads: [batch, sequence, width]. */
function lastNormalised(model: string): string {
  const { nodes } = readGraphNodes(model);
  const last = nodes.findLast(({ operator }) => operator === 'LayerNormalization');
  return last?.outputs[0] ?? '';
}
