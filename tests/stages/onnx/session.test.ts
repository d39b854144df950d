import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { CudaUnavailableError } from '#stages/onnx/cuda-provider.ts';
import { BrokenModelError, skimModel, skimModelFile } from '#stages/onnx/model-skim.ts';
import {
  float32Of,
  int32Of,
  type OnnxSession,
  openSession,
  SessionOutputError,
} from '#stages/onnx/session.ts';
import { ModelRefusedError, ModelRunError } from '#stages/onnx/session-errors.ts';
import { softLabelHead } from '#stages/onnx/surgery.ts';
import { openThreadedSession } from '#stages/onnx/threaded-session.ts';
import { externalTensor, graph, model, node, valueInfo } from '#stages/onnx/wire.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import { echoModel } from './logit-models.ts';

const cpu = { device: 'cpu', threads: 1 } as const;
const x = { type: 'float32', data: Float32Array.of(1, 2), dims: [1, 2] } as const;

test('a session tells names, types and shapes of inputs and outputs', async () => {
  const session = await openSession(echoModel({ type: 'float16' }), cpu);
  assert.deepEqual(session.inputs, [{ name: 'x', type: 'float32', shape: ['batch', 'classes'] }]);
  assert.deepEqual(session.outputs, [
    { name: 'logits', type: 'float16', shape: ['batch', 'classes'] },
  ]);
  assert.equal(session.provider, 'cpu');
  assert.match(session.runtimeVersion, /^\d+\.\d+/);
  const results = await session.run({ x });
  // Half floats are read as what they stand for.
  assert.deepEqual([...float32Of(results, 'logits')], [1, 2]);
  assert.throws(() => int32Of(results, 'logits'), SessionOutputError);
  assert.throws(() => float32Of(results, 'scores'), /output "scores" is missing/);
  await session.close();
});

test('only what is fetched comes back', async () => {
  const bytes = echoModel();
  const head = softLabelHead(skimModel(bytes), { topK: 1, temperatures: [1] });
  const session = await openSession(bytes, { ...cpu, appendix: head.bytes });
  const results = await session.run({ x }, [head.outputs.entropyNats]);
  assert.deepEqual(Object.keys(results), [head.outputs.entropyNats]);
  await session.close();
});

test('the thread gives the same results, leaves the caller alive while it computes, and passes failures on', async () => {
  const session = await openThreadedSession(echoModel(), cpu);
  try {
    const data = Float32Array.of(3, 4);
    const results = await session.run({ x: { ...x, data } }, ['logits']);
    assert.deepEqual([...float32Of(results, 'logits')], [3, 4]);
    assert.equal(data.byteLength, 0);
    await assert.rejects(
      session.run({ y: { ...x, data: Float32Array.of(1, 2) } }),
      /the model failed/,
    );
  } finally {
    await session.close();
  }
  await assert.rejects(openThreadedSession(Buffer.from('no model'), cpu), {
    code: 'E_MODEL_REFUSED',
  });
});

test('weights in another file are found beside the model, or in the folder that is named', async () => {
  const folder = temporaryFolder();
  const bytes = externalModel('weights.bin');
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(Float32Array.of(10, 20).buffer));
  writeFileSync(join(folder, 'model.onnx'), bytes);
  assert.deepEqual([...skimModelFile(join(folder, 'model.onnx')).externalFiles], ['weights.bin']);
  const head = softLabelHead(skimModel(bytes), { topK: 1, temperatures: [1] });
  for (const [place, options] of [
    [join(folder, 'model.onnx'), {}],
    [bytes, { externalDataFolder: folder }],
  ] as const) {
    const session: OnnxSession = await openSession(place, {
      ...cpu,
      ...options,
      appendix: head.bytes,
    });
    const results = await session.run({ x }, ['logits']);
    assert.deepEqual([...float32Of(results, 'logits')], [11, 22]);
    await session.close();
  }
});

test('weights in another file that are too short, and operators that nobody knows, are refused by name', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'model.onnx');
  writeFileSync(join(folder, 'weights.bin'), new Uint8Array(4));
  writeFileSync(path, externalModel('weights.bin'));
  const byName = (error: unknown) =>
    error instanceof ModelRefusedError && error.message.startsWith(path);
  await assert.rejects(openSession(path, cpu), byName);
  const unknown = graph({
    name: 'unknown',
    nodes: [node('Teleport', ['x'], ['logits'])],
    inputs: [valueInfo('x', 'float32', [2])],
    outputs: [valueInfo('logits', 'float32', [2])],
  });
  writeFileSync(path, model(unknown, { opset: 17 }));
  await assert.rejects(openSession(path, cpu), byName);
});

test('what ONNX Runtime refuses, and what is no ONNX file, says which file', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'model.onnx');
  writeFileSync(path, externalModel('lost.bin'));
  await assert.rejects(
    openSession(path, cpu),
    (error) => error instanceof ModelRefusedError && error.message.startsWith(path),
  );
  for (const [bytes, reason] of [
    [Buffer.from('{"not": "a model"}'), /not an ONNX model/],
    [Buffer.alloc(0), /it has no graph/],
    [echoModel().subarray(0, 60), /cut short/],
  ] as const) {
    writeFileSync(path, bytes);
    assert.throws(
      () => skimModelFile(path),
      (error) => error instanceof BrokenModelError && reason.test(error.message),
    );
  }
});

test('a run that fails is a failure of the model', async () => {
  const session = await openSession(echoModel({ shape: ['batch', 3] }), cpu);
  await assert.rejects(session.run({ x }), ModelRunError);
  await session.close();
});

test('cuda without CUDA is refused with what is missing; auto runs on the CPU and says why', async (t) => {
  if (existsSync('/dev/nvidia0')) return t.skip('there is a GPU');
  await assert.rejects(
    openSession(echoModel(), { device: 'cuda' }),
    (error) =>
      error instanceof CudaUnavailableError && error.message.startsWith('device: cuda, but '),
  );
  const session = await openSession(echoModel(), { ...cpu, device: 'auto' });
  assert.equal(session.provider, 'cpu');
  assert.match(session.withoutCuda ?? '', /provider file|driver|library/);
  await session.close();
});

/** logits = x + weights, with the weights in a file of their own. */
function externalModel(location: string): Uint8Array {
  const place = { location, offset: 0, byteLength: 8 };
  return model(
    graph({
      name: 'external',
      nodes: [node('Add', ['x', 'weights'], ['logits'])],
      initializers: [externalTensor('weights', 'float32', [2], place)],
      inputs: [valueInfo('x', 'float32', ['batch', 2])],
      outputs: [valueInfo('logits', 'float32', ['batch', 2])],
    }),
  );
}
