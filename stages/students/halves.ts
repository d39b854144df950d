import {
  nativeBackend,
  type Tensor,
  type Tensor2D,
  type Tensorflow,
} from '#stages/tensorflow/runtime.ts';
import type {
  Architecture,
  ArchitectureName,
  ForwardInputs,
  NamedTensors,
  StudentShape,
} from './student.ts';

/** One half of the rows of a batch, whose other half goes its own way. */
export interface BatchHalf {
  readonly index: 0 | 1;
  readonly batch: HalvedBatch;
}

interface HalvedBatch {
  /** Of the whole batch. */
  readonly inputIds: Tensor;
  /** What both halves read, by name. */
  readonly shared: Map<string, readonly Tensor[]>;
}

/**
 * What does not depend on a half's rows, made once for both: its gradient is one too, and passes over tensors as large as the
 * weights once. Of a whole batch just what is made.
 */
export function onceABatch(
  half: BatchHalf | undefined,
  name: string,
  make: () => readonly Tensor[],
): readonly Tensor[] {
  const made = half?.batch.shared.get(name) ?? make();
  half?.batch.shared.set(name, made);
  return made;
}

/**
 * The forward pass of the first half of the rows beside that of the second. They meet in the logits only, so two
 * cores go their own ways from the words' vectors to there and, in a gradient, back; every number is what it is of the whole batch. Whole go
 * batches of an odd number of rows, those that name the tokens they ask for, students that are no encoders, and all on a GPU.
 */
export function forwardInHalves(
  tf: Tensorflow,
  architecture: Architecture,
  parameters: NamedTensors,
  inputs: ForwardInputs,
  shape: StudentShape,
): Tensor2D {
  const { batchSize, answerAt, onFeatures } = inputs;
  const isWhole =
    batchSize % 2 !== 0 || answerAt !== undefined || !ENCODERS.has(shape.architecture);
  if (isWhole || nativeBackend(tf).binding.isUsingGpuDevice()) {
    return architecture.forward(tf, parameters, inputs, shape);
  }
  const batch: HalvedBatch = { inputIds: inputs.inputIds, shared: new Map() };
  const read: Tensor2D[] = [];
  const halves = ([0, 1] as const).map((index) => {
    const half = (x: Tensor): Tensor => tf.split(x, 2, 0)[index] as Tensor;
    return architecture.forward(
      tf,
      parameters,
      {
        ...inputs,
        inputIds: half(inputs.inputIds),
        lengths: half(inputs.lengths),
        batchSize: batchSize / 2,
        half: { index, batch },
        onFeatures: (rows) => read.push(rows),
      },
      shape,
    );
  });
  if (onFeatures !== undefined && read.length > 0) onFeatures(tf.concat(read, 0));
  return tf.concat(halves, 0);
}

/** Students with enough operations of a row that it is worth having all of them twice. */
const ENCODERS: ReadonlySet<ArchitectureName> = new Set(['bert', 'modernbert']);
