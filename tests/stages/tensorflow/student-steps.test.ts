import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { assertRecordedIsEager } from '#tests/support/student-steps.ts';
import { tf } from '#tests/support/tensorflow.ts';
import {
  TINY_BUCKETS,
  type TinyStudent,
  tinyStudentBatch,
  tinyStudents,
  tinyTraining,
} from '#tests/support/tiny-students.ts';

// Students of values take their steps in value-steps.test.ts.
for (const student of tinyStudents.filter(({ layout }) => layout.valueTask === undefined)) {
  test(`${student.name}: recorded steps are the eager ones, dropout, hints and averaged weights on`, () => {
    assertRecordedIsEager(tf, student, 1e-5);
  });
}

for (const student of tinyStudents.filter(({ name }) => /of classes|causal/.test(name))) {
  test(`${student.name}: a step in bf16 is the float32 one within its rounding, and answers are float32`, (t) => {
    const { program } = tinyTraining(student);
    const exact = createGraphStepper(tf, program);
    const rounded = createGraphStepper(tf, program, { precision: 'bf16' });
    t.after(() => [exact, rounded].forEach((stepper) => stepper.dispose()));
    const [bucket] = TINY_BUCKETS;
    const inputs = tinyStudentBatch(student, bucket, 99);
    assert.deepEqual(rounded.evaluate(bucket, inputs), exact.evaluate(bucket, inputs));
    const [plain, coarse] = [exact, rounded].map((stepper) =>
      stepper.step(bucket, tinyStudentBatch(student, bucket, 0), 0.05),
    );
    assert.notEqual(coarse?.loss, plain?.loss);
    assertClose(coarse?.loss ?? NaN, plain?.loss ?? NaN, 0.02, 'loss');
    assertClose(coarse?.gradNorm ?? NaN, plain?.gradNorm ?? NaN, 0.05, 'gradient norm');
  });
}

// One of each architecture and head, not all of both: compiling one takes seconds.
const COMPILED = [
  ...tinyStudents.filter(({ name }) => /of classes|causal/.test(name)),
  ...tinyStudents.filter(({ name }) =>
    ['modernbert masked', 'bert of words', 'modernbert multi-label', 'bert regression'].includes(
      name,
    ),
  ),
];

for (const student of COMPILED) {
  test(`${student.name}: steps compiled with XLA are the recorded ones within 1e-4, dropout on`, (t) => {
    const program = {
      ...tinyTraining(compilable(student)).program,
      buckets: TINY_BUCKETS.slice(0, 1),
    };
    const graph = createGraphStepper(tf, program);
    const xla = createGraphStepper(tf, program, { xla: true });
    t.after(() => [graph, xla].forEach((stepper) => stepper.dispose()));
    const [bucket] = TINY_BUCKETS;
    for (let step = 0; step < 3; step++) {
      const [plain, compiled] = [graph, xla].map((stepper) =>
        stepper.step(bucket, tinyStudentBatch(student, bucket, step), 0.05),
      );
      assertClose(compiled?.loss ?? NaN, plain?.loss ?? NaN, 1e-4, `loss of step ${step}`);
      assertClose(compiled?.gradNorm ?? NaN, plain?.gradNorm ?? NaN, 1e-4, `norm of step ${step}`);
    }
    assertAllClose(xla.state().weights, graph.state().weights, 1e-4, 'weight');
  });
}

/** Without hints and with one layer: compiling takes seconds. */
function compilable({ shape, layout, ...student }: TinyStudent): TinyStudent {
  return { ...student, shape: { ...shape, layers: 1 }, layout: { ...layout, hints: [] } };
}
