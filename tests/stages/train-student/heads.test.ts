import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise, layoutOf } from '#stages/students/parameters.ts';
import type { ArchitectureName, StudentShape, TaskHead } from '#stages/students/student.ts';
import { allParameters, namesOf, OWN } from '#stages/students/task-heads.ts';
import { createEagerStepper } from '#stages/tensorflow/eager-stepper.ts';
import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import type { Feeds, StepProgram, Stepper } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import { headBatches, headOfSteps } from '#stages/train-student/heads/head-batches.ts';
import { jointMeasurement } from '#stages/train-student/heads/head-validation.ts';
import { joinedProgram, stepperOfHead } from '#stages/train-student/heads/heads-program.ts';
import { studentProgram } from '#stages/train-student/student-program.ts';
import type { TransferRow, TransferSet } from '#stages/train-student/transfer-set.ts';
import { assertAllClose, assertClose } from '#tests/support/close.ts';
import { randomBatch } from '#tests/support/random-batch.ts';
import { tf } from '#tests/support/tensorflow.ts';

const OTHER: TaskHead = { name: 'other', classCount: 3 };
const BUCKETS = [6, 8];
const shapeOf = (architecture: ArchitectureName): StudentShape => ({
  architecture,
  vocabularySize: 30,
  classCount: 5,
  maxLength: 8,
  layers: 1,
  hiddenSize: 8,
  heads: 2,
  intermediateSize: 8,
  dropout: 0.1,
  padTokenId: 0,
  clsTokenId: 1,
  sepTokenId: 2,
  kernelWidths: [2, 3],
  filters: 4,
});
const layoutOfHead = (classCount: number): BatchLayout => ({
  batchSize: 4,
  padTokenId: 0,
  dropout: true,
  soft: { type: 'dense', width: classCount },
  goldPerRow: 1,
});
/** The weights of one step of it tell the gradient. */
const PLAIN = {
  optimizer: 'sgd',
  momentum: 0,
  weightDecay: 0,
  maxGradNorm: Number.POSITIVE_INFINITY,
  labelSmoothing: 0.1,
} as const;

describe('a student with two heads', () => {
  for (const name of ['bert', 'modernbert', 'bag', 'textcnn'] as const) {
    test(`${name}: a step of a head is that of a student with its classifier alone`, () => {
      const { programs, weights } = twoHeads(name);
      const alone = oneHead(name, weights);
      const stepper = createEagerStepper(tf, joinedProgram(programs));
      const reference = createEagerStepper(tf, alone.program);
      const feeds = batchOf(OTHER.classCount, 0);
      const [joint, expected] = [
        stepperOfHead(stepper, 1).step(6, feeds, 1),
        reference.step(6, feeds, 1),
      ];
      assertClose(joint.loss, expected.loss, 1e-6, 'loss');
      assertClose(joint.gradNorm, expected.gradNorm, 1e-5, 'norm of the gradient');
      const after = namedWeights(name, stepper);
      const [before, reached] = [weights, alone.named(reference)];
      for (const [parameter, values] of reached) {
        const own = Object.entries(OWN).find(([, known]) => known === parameter);
        const place = own === undefined ? parameter : namesOf(OTHER.name)[own[0] as 'weight'];
        assertAllClose(after.get(place) ?? [], values, 1e-6, parameter);
      }
      // The other head has no part in it, and what is learned is no rounding.
      assert.deepEqual(after.get(OWN.weight), before.get(OWN.weight));
      assert.notDeepEqual(
        after.get(namesOf(OTHER.name).weight),
        before.get(namesOf('other').weight),
      );
      const rows = batchOf(5, 1);
      assert.equal(stepperOfHead(stepper, 0).evaluate(8, batchOf(5, 1, 8)).length, 4 * 5);
      assert.equal(stepperOfHead(stepper, 1).evaluate(6, rows).length, 4 * OTHER.classCount);
      stepper.dispose();
      reference.dispose();
    });
  }

  test('the recorded graph steps as the eager program does, head after head', () => {
    const program = joinedProgram(twoHeads('bag').programs);
    const [graph, eager] = [createGraphStepper(tf, program), createEagerStepper(tf, program)];
    const losses = [graph, eager].map((stepper) => {
      return [0, 1, 1, 0, 1].map((head, at) => {
        const bucket = BUCKETS[at % 2] ?? 0;
        const feeds = batchOf(head === 0 ? 5 : OTHER.classCount, at, bucket);
        return stepperOfHead(stepper, head).step(bucket, feeds, 0.5).loss;
      });
    });
    assertAllClose(losses[0] ?? [], losses[1] ?? [], 1e-6, 'losses');
    assertAllClose(graph.state().weights, eager.state().weights, 1e-6, 'weights');
    graph.dispose();
    eager.dispose();
  });
});

describe('turns of the heads', () => {
  test('property: each head is never more than a step away from its share', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 2, maxLength: 3 });
    fc.assert(
      fc.property(counts, fc.integer({ min: 1, max: 400 }), (rows, steps) => {
        const turns = headOfSteps(rows, steps);
        const total = rows.reduce((sum, count) => sum + count, 0);
        for (const [head, count] of rows.entries()) {
          const taken = turns.filter((turn) => turn === head).length;
          const share = (steps * count) / total;
          assert.ok(Math.abs(taken - share) < 1.5, `${taken} of ${steps}, not ${share}`);
        }
      }),
    );
  });

  test('batches from a later step on are those of the whole training', async () => {
    const heads = [rowsOf(20, 5), rowsOf(7, 3)].map((transferSet) => ({
      transferSet,
      buckets: BUCKETS,
    }));
    const order = { batchSize: 4, seed: 3, shuffleWindow: 5, steps: 30 };
    const idsFrom = async (first: number) => {
      const ids: string[] = [];
      for await (const { head, rows } of headBatches(heads, order, first)) {
        ids.push(`${head}: ${rows.map(({ exampleId }) => exampleId).join()}`);
      }
      return ids;
    };
    const all = await idsFrom(0);
    assert.equal(all.length, 30);
    for (const first of [1, 9, 29]) assert.deepEqual(await idsFrom(first), all.slice(first));
  });
});

test('the score is the mean of the heads by their weights, and figures go by the name of the head', () => {
  const of = (name: string, weight: number, share: number | null) => ({
    name,
    weight,
    validation: { validationAccuracy: share, agreement: 0.5 },
    score: share === null ? null : { share, standardError: 0.1 },
  });
  const { validation, score } = jointMeasurement([of('main', 1, 0.9), of('genre', 3, 0.5)]);
  assert.deepEqual(validation, {
    validationAccuracy: 0.9,
    agreement: 0.5,
    'validationAccuracy.genre': 0.5,
    'agreement.genre': 0.5,
  });
  assertClose(score?.share ?? 0, 0.6, 1e-12);
  assertClose(score?.standardError ?? 0, 0.1 * Math.hypot(0.25, 0.75), 1e-12);
  // A head that nothing is known of has no say.
  const known = jointMeasurement([of('main', 1, 0.9), of('genre', 3, null)]);
  assert.equal(known.score?.share, 0.9);
});

function twoHeads(name: ArchitectureName) {
  const shape = { ...shapeOf(name), taskHeads: [OTHER] };
  const specs = allParameters({ architecture: architectureOf(name), shape });
  const initialWeights = initialise(specs, 1).map((weight, at) => weight + 0.1 * Math.sin(at));
  const weights = new Map(
    layoutOf(specs).places.map(({ name: own, offset, length }) => [
      own,
      initialWeights.slice(offset, offset + length),
    ]),
  );
  const programs: [StepProgram, StepProgram] = [
    programOf({ shape, initialWeights, layout: layoutOfHead(shape.classCount) }),
    programOf({ shape, initialWeights, layout: layoutOfHead(3), head: OTHER }),
  ];
  return { programs, weights };
}

/** A student of one task, which has the classifier of the second head as its own. */
function oneHead(name: ArchitectureName, weights: ReadonlyMap<string, Float32Array>) {
  const shape = { ...shapeOf(name), classCount: OTHER.classCount };
  const specs = architectureOf(name).parameters(shape);
  const { weight, bias } = namesOf(OTHER.name);
  const from: Record<string, string> = { [OWN.weight]: weight, [OWN.bias]: bias };
  const parts = specs.map((spec) => weights.get(from[spec.name] ?? spec.name) ?? []);
  const initialWeights = Float32Array.from(parts.flatMap((values) => [...values]));
  const named = (stepper: Stepper) => {
    const flat = stepper.state().weights;
    return layoutOf(specs).places.map(
      ({ name: own, offset, length }) => [own, flat.slice(offset, offset + length)] as const,
    );
  };
  const layout = layoutOfHead(OTHER.classCount);
  return { program: programOf({ shape, initialWeights, layout }), named };
}

function namedWeights(name: ArchitectureName, stepper: Stepper): Map<string, Float32Array> {
  const shape = { ...shapeOf(name), taskHeads: [OTHER] };
  const flat = stepper.state().weights;
  const { places } = layoutOf(allParameters({ architecture: architectureOf(name), shape }));
  return new Map(
    places.map(({ name: own, offset, length }) => [own, flat.slice(offset, offset + length)]),
  );
}

function programOf(
  student: Pick<
    Parameters<typeof studentProgram>[0],
    'shape' | 'initialWeights' | 'layout' | 'head'
  >,
): StepProgram {
  const architecture = architectureOf(student.shape.architecture);
  return studentProgram({ ...student, architecture, buckets: BUCKETS, settings: PLAIN });
}

function batchOf(classCount: number, index: number, bucket = 6): Feeds {
  return randomBatch(trainingFeedSpecs(layoutOfHead(classCount), bucket), { index, classCount });
}

/** Rows with gold labels of so many classes. */
function rowsOf(rowCount: number, classCount: number): TransferSet {
  const random = randomFor(rowCount, 'rows');
  const rows = Array.from({ length: rowCount }, (_, row): TransferRow => {
    const tokenIds = Int32Array.from({ length: 1 + (row % 8) }, () => Math.floor(30 * random()));
    const gold = [{ labelId: row % classCount, weight: 1 }];
    return { exampleId: `${classCount}-${row}`, tokenIds, gold, soft: null };
  });
  return {
    rowCount,
    goldCount: rowCount,
    lengths: rows.map(({ tokenIds }) => tokenIds.length),
    shardCount: 1,
    readShard: () => Promise.resolve(rows),
    soft: null,
    leftOut: [],
  };
}
