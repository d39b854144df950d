import type { ValueTask } from '#datasets/task.ts';
import { randomFor } from '#stages/numerics/random.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { initialise } from '#stages/students/parameters.ts';
import type { ArchitectureName, StudentShape } from '#stages/students/student.ts';
import type { Feeds, StepProgram } from '#stages/tensorflow/step-program.ts';
import { type BatchLayout, trainingFeedSpecs } from '#stages/train-student/batches/batch-feeds.ts';
import { stepParameters, studentProgram } from '#stages/train-student/student-program.ts';
import { randomBatch } from './random-batch.ts';

/** A student of every architecture and head, as small as it can be with each of its layers. */
export interface TinyStudent {
  readonly name: string;
  readonly shape: StudentShape;
  readonly layout: BatchLayout;
}

const BATCH = 4;
const CLASSES = 5;
const VOCABULARY = 30;

/** Sequence lengths of the batches. */
export const TINY_BUCKETS = [6, 8] as const;

const hints = (['mse', 'cosine', 'relation'] as const).map((loss) => ({
  from: 'pooler',
  loss,
  weight: 0.5,
  width: 7,
}));

/** Every architecture with each of its heads; those of one answer a text have hints too. */
export const tinyStudents: readonly TinyStudent[] = [
  ...(['bert', 'modernbert'] as const).flatMap((name) => [
    student(name, {}),
    student(name, { perToken: true }),
    student(name, { languageModel: 'masked' }),
    student(name, {}, 'multi-label'),
    student(name, {}, 'regression'),
  ]),
  student('gpt2', { languageModel: 'causal' }),
  ...(['bag', 'textcnn', 'mlp', 'cnn'] as const).flatMap((name) => [
    student(name, {}),
    student(name, {}, 'multi-label'),
    student(name, {}, 'regression'),
  ]),
];

/** Its training step: both losses and hints, dropout on; SGD, whose weights tell the gradient, and their average. */
export function tinyTraining({ shape, layout }: TinyStudent): {
  readonly program: StepProgram;
  readonly specs: ReturnType<typeof stepParameters>;
} {
  const architecture = architectureOf(shape.architecture);
  const specs = stepParameters({ architecture, shape, layout });
  // No zeros, in which a missing term could hide.
  const initialWeights = initialise(specs, 1).map((weight, at) => weight + 0.1 * Math.sin(at));
  const program = studentProgram({
    architecture,
    shape,
    initialWeights,
    layout,
    buckets: TINY_BUCKETS,
    settings: {
      labelSmoothing: 0.1,
      weightDecay: 0.01,
      maxGradNorm: 1,
      optimizer: 'sgd',
      averageWeights: 0.9,
    },
  });
  return { program, specs };
}

/** A batch of it, another one for each index. */
export function tinyStudentBatch(
  { shape, layout }: TinyStudent,
  bucket: number,
  index: number,
): Feeds {
  const batch = randomBatch(trainingFeedSpecs(layout, bucket), {
    index,
    classCount: shape.classCount,
  });
  const random = randomFor(index, 'lengths');
  return {
    ...batch,
    lengths: Int32Array.from({ length: BATCH }, () => Math.ceil(bucket * random())),
  };
}

function student(
  architecture: ArchitectureName,
  head: Pick<StudentShape, 'perToken' | 'languageModel'>,
  valueTask?: ValueTask,
): TinyStudent {
  const readsText = architecture !== 'mlp' && architecture !== 'cnn';
  const readsTensors = ['bag', 'textcnn', 'mlp', 'cnn'].includes(architecture);
  const classCount = head.languageModel === undefined ? CLASSES : VOCABULARY;
  const features = [
    { name: 'image', shape: [3, 4, 1] },
    { name: 'facts', shape: [2] },
  ];
  const kind = valueTask ?? head.languageModel ?? (head.perToken ? 'of words' : 'of classes');
  return {
    name: `${architecture} ${kind}`,
    shape: {
      architecture,
      vocabularySize: readsText ? VOCABULARY : 0,
      classCount,
      maxLength: 8,
      // The first and the last layer of some differ from the others, and only where one answer is given.
      layers: kind === 'of classes' ? 2 : 1,
      hiddenSize: 8,
      heads: 2,
      intermediateSize: 12,
      dropout: 0.1,
      padTokenId: 0,
      clsTokenId: 1,
      sepTokenId: 2,
      ...head,
      ...(architecture === 'textcnn' && { kernelWidths: [1, 3], filters: 6 }),
      ...(readsTensors && { features }),
    },
    layout: {
      batchSize: BATCH,
      padTokenId: 0,
      dropout: true,
      soft: valueTask ? { type: 'dense', width: classCount } : { type: 'top-k', width: 3 },
      goldPerRow: valueTask ? classCount : 1,
      hints,
      ...(valueTask && { valueTask }),
      ...(readsTensors && { features: { image: 12, facts: 2 } }),
      ...(head.perToken && { perToken: true }),
      ...(head.languageModel && {
        answersPerBatch: new Map(TINY_BUCKETS.map((bucket) => [bucket, bucket])),
      }),
    },
  };
}
