import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { readMetrics, readTimings } from '#datasets/metrics/metrics.ts';
import { DATA_TYPES, graph, model, node, tensor, valueInfo } from '#stages/onnx/wire.ts';
import { succeed } from '#tests/support/cli-result.ts';
import { finished } from '#tests/support/exported-students.ts';
import { miniConfig } from '#tests/support/mini-project.ts';
import { smallConfig, smallProject } from '#tests/support/small-project.ts';

const [VOCABULARY, CLASSES, ROWS] = [1046, 12, 4];

/**
 * Everything at once that stage one takes and few exports have: every input of a text, in three types; batches of
 * four rows; vectors before the logits, which are float64 and have a name of their own, and a twin of them.
 */
function oddTeacher(): Uint8Array {
  const shape = [ROWS, 'sequence'];
  const weights = Float32Array.from({ length: VOCABULARY * CLASSES }, (_, at) => Math.sin(at));
  const axes = { axes: { ints: [1] }, keepdims: { int: 0 } };
  return model(
    graph({
      name: 'odd',
      nodes: [
        node('Gather', ['weights', 'input_ids'], ['last_hidden_state']),
        node('Unsqueeze', ['attention_mask'], ['mask'], { axes: { ints: [2] } }),
        node('Mul', ['last_hidden_state', 'mask'], ['real']),
        node('ReduceSum', ['real'], ['bag'], axes),
        node('Add', ['position_ids', 'token_type_ids'], ['places']),
        node('Cast', ['places'], ['steps'], { to: { int: DATA_TYPES.float32 } }),
        node('ReduceMean', ['steps'], ['step'], { axes: { ints: [1] }, keepdims: { int: 1 } }),
        node('Add', ['bag', 'step'], ['sums']),
        node('Cast', ['sums'], ['scores'], { to: { int: DATA_TYPES.float64 } }),
        node('Neg', ['sums'], ['twin']),
      ],
      initializers: [tensor('weights', 'float32', [VOCABULARY, CLASSES], weights)],
      inputs: [
        valueInfo('input_ids', 'int32', shape),
        valueInfo('attention_mask', 'float32', shape),
        valueInfo('token_type_ids', 'int64', shape),
        valueInfo('position_ids', 'int64', shape),
      ],
      outputs: [
        valueInfo('last_hidden_state', 'float32', [...shape, CLASSES]),
        valueInfo('twin', 'float32', [ROWS, CLASSES]),
        valueInfo('scores', 'float64', [ROWS, CLASSES]),
      ],
    }),
    { opset: 12 },
  );
}

describe('a teacher that has everything that exports seldom have', () => {
  const project = smallProject({
    teacher: { ...miniConfig.teacher, output: 'scores' },
    teachers: { twin: { model: 'teacher', output: 'twin', hidden: [] } },
    'soft-label': { ...smallConfig['soft-label'], hidden: ['bag'] },
  });

  before(async () => {
    writeFileSync(project.path('teacher', 'onnx', 'model.onnx'), oddTeacher());
    await succeed(project, 'run', '--quiet');
  });

  test('is timed as any other after it was asked', async () => {
    const { artifact } = finished(project);
    for (const name of ['teacher', 'twin']) {
      const folder = artifact(`evaluate:${name}`, 'metrics');
      assert.ok(((await readTimings(folder))?.rowsPerSecond ?? 0) > 0, name);
      assert.ok((await readMetrics(folder)).rows > 0);
    }
  });

  test('each teacher has the output and the features that are named for it', async () => {
    const query = `select count(*)::int as differ, len(any_value(a.hidden_bag)) as width,
      count(columns(b.*))::int from soft_labels a join soft_labels_twin b using (example_id)
      where a.top_label <> b.top_label`;
    const answer = await succeed(project, 'cache', 'sql', '--format', 'json', query);
    const [{ differ, width, ...others } = { differ: -1, width: -1 }] = JSON.parse(answer) as {
      differ: number;
      width: number;
    }[];
    assert.deepEqual([differ, width], [172, CLASSES]);
    assert.ok(!Object.keys(others).includes('hidden_bag'), JSON.stringify(others));
  });

  test('is asked again at the output that is named for it', async () => {
    const args = ['--teacher', 'twin', '--against-teacher', '--sample', '20%'];
    const said = await succeed(project, 'cache', 'verify', ...args);
    assert.match(said, /another best class +0 rows/);
  });

  test('is estimated and checked with the output that the configuration names', async () => {
    const estimate = JSON.parse(await succeed(project, 'estimate', '--seconds', '0.1', '--json'));
    assert.ok(estimate.bytes > 0 && estimate.timedBatches > 0);
    assert.match(await succeed(project, 'teacher', 'check', 'teacher'), /scores float64 \[4, 12\]/);
  });
});
