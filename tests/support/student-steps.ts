import assert from 'node:assert/strict';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import { assertAllClose, assertClose } from './close.ts';
import { TINY_BUCKETS, type TinyStudent, tinyStudentBatch, tinyTraining } from './tiny-students.ts';

/** Fails where recorded steps of a student are not the eager ones, within a tolerance of the losses. */
export function assertRecordedIsEager(
  tf: Tensorflow,
  student: TinyStudent,
  tolerance: number,
): void {
  const { program } = tinyTraining(student);
  const graph = createGraphStepper(tf, program);
  const eager = createEagerStepper(tf, program);
  try {
    for (const [step, bucket] of [...TINY_BUCKETS, ...TINY_BUCKETS].entries()) {
      const batch = () => tinyStudentBatch(student, bucket, step);
      const recorded = graph.step(bucket, batch(), 0.05);
      const direct = eager.step(bucket, batch(), 0.05);
      assertClose(recorded.loss, direct.loss, tolerance, `loss of ${step}`);
      const { softLoss = NaN, hardLoss = NaN, hintLoss = NaN } = recorded.parts;
      const sum = 0.9 * softLoss + 0.1 * hardLoss + hintLoss;
      assertClose(recorded.loss, sum, tolerance, 'its parts');
      assert.ok(softLoss > 0 && hardLoss > 0 && hintLoss > 0);
    }
    assertAllClose(graph.state().weights, eager.state().weights, 10 * tolerance, 'weight');
    // The averaged weights answer.
    const [bucket] = TINY_BUCKETS;
    const inputs = tinyStudentBatch(student, bucket, 99);
    const [ours, theirs] = [graph, eager].map((stepper) => stepper.evaluate(bucket, inputs));
    assertAllClose(ours ?? [], theirs ?? [], 10 * tolerance, 'logit');
  } finally {
    graph.dispose();
    eager.dispose();
  }
}
