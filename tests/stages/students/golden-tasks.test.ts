import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { architectureOf } from '#stages/students/architectures.ts';
import { fromNamed, initialise, toNamed, unflatten } from '#stages/students/parameters.ts';
import type { ForwardInputs, ParameterSpec, StudentShape } from '#stages/students/student.ts';
import { hardLoss } from '#stages/tensorflow/distillation-loss.ts';
import type { Scalar, Tensor1D, Tensor2D } from '#stages/tensorflow/runtime.ts';
import { binaryHardLoss, squaredErrorLoss } from '#stages/tensorflow/value-loss.ts';
import { assertClose } from '#tests/support/assert-close.ts';
import { goldenFolder } from '#tests/support/paths.ts';
import { tf } from '#tests/support/tensorflow.ts';
import { batchOf, readGolden, readTokenGolden, smallShape, unpaddedRows } from './golden.ts';

/** What transformers computes of a golden model in another task: see make_head_golden.py. */
interface TaskCase {
  readonly loss: number;
  readonly labels: readonly (readonly number[])[];
  readonly gradients: Readonly<Record<string, { norm: number; first: readonly number[] }>>;
}

/** How transformers starts a parameter. */
interface Start {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly largest: number;
}

const tasks: Readonly<Record<string, TaskCase>> = read('tasks.json');
const starts: Readonly<Record<string, Readonly<Record<string, Start>>>> = read('starts.json');

for (const name of ['bert', 'modernbert'] as const) {
  test(`${name}: regression is transformers' problem_type, loss and gradients`, async () => {
    const { golden, one } = await ofValues(name, 'regression');
    const loss = (outputs: Tensor2D) => squaredErrorLoss(tf, outputs, rowsOf(one));
    assertCase(golden, one, batchOf(tf, unpaddedRows(golden.case), 11), loss);
  });

  test(`${name}: several labels are transformers' multi_label_classification, loss and gradients`, async () => {
    const { golden, one } = await ofValues(name, 'multi_label_classification');
    const loss = (logits: Tensor2D) =>
      binaryHardLoss(tf, logits, { ...rowsOf(one), labelSmoothing: 0 });
    assertCase(golden, one, batchOf(tf, unpaddedRows(golden.case), 11), loss);
  });
}

test("gpt2: the next token's cross-entropy is transformers' own shifted one, loss and gradients", async () => {
  const golden = await readTokenGolden('gpt2');
  const one = tasks['gpt2 causal'] ?? assert.fail('no case');
  const rows = unpaddedRows(golden.case);
  const asked = rows.flatMap((row, index) =>
    row.slice(1).map((next, at) => ({ place: index * 8 + at, next })),
  );
  const answerAt = tf.tensor1d(
    asked.map(({ place }) => place),
    'int32',
  );
  const loss = (logits: Tensor2D) =>
    hardLoss(tf, logits, {
      goldIds: tf.tensor1d(
        asked.map(({ next }) => next),
        'int32',
      ),
      weights: tf.ones([asked.length]).as1D(),
      labelSmoothing: 0,
    });
  assertCase(golden, one, { ...batchOf(tf, rows, 8), answerAt }, loss);
});

const sizes = { vocabularySize: 400, hiddenSize: 64, intermediateSize: 96, maxLength: 128 };
const heads: Readonly<Record<string, Partial<StudentShape>>> = {
  bert: { classCount: 20 },
  'bert of words': { classCount: 20, perToken: true },
  'bert masked': { classCount: 400, languageModel: 'masked' },
  modernbert: { classCount: 20 },
  'modernbert of words': { classCount: 20, perToken: true },
  'modernbert masked': { classCount: 400, languageModel: 'masked' },
  'gpt2 causal': { classCount: 400, languageModel: 'causal' },
};

/** Where a start of ours is another on purpose: a bert of this size learns little from transformers' (bert.ts). */
const IDENTITY = /(attention\.(self\.value|output\.dense)|pooler\.dense)\.weight$/;

for (const [name, head] of Object.entries(heads)) {
  test(`${name} starts as transformers starts it, but for the identities of bert`, () => {
    const [architecture = ''] = name.split(' ');
    const shape = { ...smallShape(architecture as 'bert'), ...sizes, ...head };
    const specs = architectureOf(shape.architecture).parameters(shape);
    const theirs = starts[name] ?? {};
    assert.deepEqual(specs.map((one) => one.name).sort(), Object.keys(theirs).sort());
    const ours = toNamed(initialise(specs, 1), specs);
    for (const spec of specs) assertStart(spec, ours.get(spec.name), theirs[spec.name]);
  });
}

function assertStart(spec: ParameterSpec, values: Float32Array | undefined, theirs?: Start): void {
  const { name, shape, init } = spec;
  assert.deepEqual(shape, theirs?.shape, name);
  if (init.kind === 'identity') return assert.match(name, IDENTITY);
  if (values === undefined) return assert.fail(name);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const std = Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const wanted = theirs ?? assert.fail(name);
  // Four standard errors of what so many draws tell.
  const allowed = 4 / Math.sqrt(values.length);
  const detail = `${name}: ${mean}, ${std}, ${largest} and ${JSON.stringify(wanted)}`;
  assert.ok(Math.abs(mean - wanted.mean) <= 2 * allowed * wanted.std, detail);
  assert.ok(Math.abs(std - wanted.std) <= allowed * wanted.std, detail);
  assert.ok(Math.abs(largest - wanted.largest) <= 0.35 * wanted.largest, detail);
}

async function ofValues(name: 'bert' | 'modernbert', problem: string) {
  return { golden: await readGolden(name), one: tasks[`${name} ${problem}`] ?? assert.fail(name) };
}

function rowsOf({ labels }: TaskCase) {
  const targets = tf.tensor2d(labels.map((row) => [...row]));
  return { targets, weights: tf.ones([labels.length]).as1D() as Tensor1D };
}

function assertCase(
  {
    shape,
    weights,
  }: { readonly shape: StudentShape; readonly weights: ReadonlyMap<string, Float32Array> },
  expected: TaskCase,
  batch: ForwardInputs,
  lossOf: (logits: Tensor2D) => Scalar,
): void {
  const architecture = architectureOf(shape.architecture);
  const specs = architecture.parameters(shape);
  const { value, grad } = tf.valueAndGrad((flat): Scalar => {
    return lossOf(architecture.forward(tf, unflatten(tf, flat.as1D(), specs), batch, shape));
  })(tf.tensor1d(fromNamed(weights, specs)));
  assertClose([value.dataSync()[0] ?? Number.NaN], [expected.loss], 1e-5);
  const named = unflatten(tf, grad.as1D(), specs);
  for (const [parameter, { norm, first }] of Object.entries(expected.gradients)) {
    const values = [...(named[parameter]?.dataSync() ?? [])];
    const scale = Math.max(norm, 1);
    assertClose([Math.hypot(...values)], [norm], 1e-4 * scale, parameter);
    assertClose(values.slice(0, first.length), first, 1e-4 * scale, parameter);
  }
}

function read<T>(file: string): T {
  return JSON.parse(readFileSync(join(goldenFolder, 'hf-golden', file), 'utf8')) as T;
}
