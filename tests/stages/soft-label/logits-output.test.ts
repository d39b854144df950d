import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  type Dimension,
  graph,
  int64Tensor,
  model,
  node,
  tensor,
  valueInfo,
} from '#stages/onnx/wire.ts';
import { failingWith } from '#tests/support/failure.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  CLASS_COUNT,
  corpusOf,
  rowsOf,
  runSoftLabel,
  teacherWeights,
  VOCABULARY,
  writeCorpus,
} from './small-run.ts';

const inputs = await writeCorpus(corpusOf(12));
const ONE_ROW = [1, 'sequence'];

/** The class weights of the first token, in an output of some shape, beside the tokens' own logits. */
function teacherWith(options: {
  readonly axes?: readonly number[];
  readonly drop?: boolean;
  readonly shape: readonly Dimension[];
  readonly rows?: readonly Dimension[];
  readonly opset?: number;
}): string {
  const { axes = [], drop = false, shape, rows = ['batch', 'sequence'], opset = 17 } = options;
  const path = join(temporaryFolder(), 'teacher.onnx');
  const operator = drop ? 'Squeeze' : 'Unsqueeze';
  const asInput = opset >= 13;
  const last =
    axes.length === 0
      ? node('Identity', ['first_logits'], ['scores'])
      : node(
          operator,
          ['first_logits', ...(asInput ? ['axes'] : [])],
          ['scores'],
          asInput ? {} : { axes: { ints: axes } },
        );
  const content = graph({
    name: 'outputs',
    nodes: [
      node('Gather', ['weights', 'input_ids'], ['token_logits']),
      node('Gather', ['token_logits', 'zero'], ['first_logits'], { axis: { int: 1 } }),
      last,
    ],
    initializers: [
      tensor('weights', 'float32', [VOCABULARY, CLASS_COUNT], teacherWeights()),
      int64Tensor('zero', [0], []),
      int64Tensor('axes', axes),
    ],
    inputs: ['input_ids', 'attention_mask'].map((name) => valueInfo(name, 'int64', rows)),
    outputs: [
      valueInfo('token_logits', 'float32', [...rows, CLASS_COUNT]),
      valueInfo('scores', 'float32', shape),
    ],
  });
  writeFileSync(path, model(content, { opset }));
  return path;
}

async function logitsOf(path: string, config: Record<string, unknown> = {}) {
  const settings = { keep: 'all', output: 'scores', ...config };
  const run = await runSoftLabel({ inputs, config: settings, files: { model: [path] } });
  return (await rowsOf(run, 'train')).rows.logits;
}

const plain = await logitsOf(teacherWith({ shape: ['batch', CLASS_COUNT] }));

test('the output that teacher.output names has the logits', () => {
  assert.equal(plain.length, 12 * CLASS_COUNT);
  assert.ok(plain.some((logit) => logit !== plain[0]));
});

for (const opset of [11, 17]) {
  test(`axes of size 1 between batch and classes are taken out, opset ${opset}`, async () => {
    for (const axes of [[1], [1, 2]]) {
      const shape = ['batch', ...axes.map(() => 1), CLASS_COUNT];
      assert.deepEqual(await logitsOf(teacherWith({ axes, shape, opset })), plain);
    }
  });

  test(`a model of one row may leave out its batch, opset ${opset}`, async () => {
    const path = teacherWith({ axes: [0], drop: true, shape: [CLASS_COUNT], rows: ONE_ROW, opset });
    assert.deepEqual(await logitsOf(path), plain);
    const topK = await logitsOf(path, { keep: 'top-k', topK: 3 });
    assert.equal(topK.length, 0);
  });
}

test('an output with a row a token is refused for classification, with the outputs that there are', async () => {
  const path = teacherWith({ shape: ['batch', CLASS_COUNT] });
  const refusal = failingWith(
    'E_TEACHER_UNSUPPORTED',
    'output "token_logits" has the shape [batch, sequence, 6], and [batch, classes] is asked for',
  );
  await assert.rejects(logitsOf(path, { output: 'token_logits' }), (error) => {
    assert.match(
      (error as { fix: string }).fix,
      /teacher\.output \(there are token_logits, scores\)/,
    );
    return refusal(error);
  });
});

test('an output that is not there is refused with those that are', async () => {
  const path = teacherWith({ shape: ['batch', CLASS_COUNT] });
  await assert.rejects(
    logitsOf(path, { output: 'probs' }),
    failingWith('E_TEACHER_UNSUPPORTED', 'no output "probs" (outputs: token_logits, scores)'),
  );
});
