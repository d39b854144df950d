import type { Tensor, Tensor1D, Tensorflow } from './runtime.ts';
import type { FeedSpec } from './step-program.ts';
import type { StepRecorder } from './step-recorder.ts';

/** Placeholders of a call, by the names of its feeds. */
export function addFeeds(
  tf: Tensorflow,
  recorder: StepRecorder,
  specs: readonly FeedSpec[],
  prefix: string,
): Record<string, Tensor> {
  return Object.fromEntries(
    specs.map((spec, index) => [
      spec.name,
      addPlaceholder(tf, recorder, spec, `${prefix}/feed${index}`),
    ]),
  );
}

/** What is fed under the name of a node. */
export function addPlaceholder(
  tf: Tensorflow,
  recorder: StepRecorder,
  spec: FeedSpec,
  node: string,
): Tensor {
  const shape = { shape: spec.shape };
  recorder.graph.add(
    'Placeholder',
    [],
    { dtype: { type: recorder.type(spec.dtype) }, shape },
    node,
  );
  // Zeros are valid ids and seeds; the numbers of the recorded run itself do not matter.
  const tensor = tf.zeros([...spec.shape], spec.dtype);
  recorder.declare(tensor, `${node}:0`);
  return tensor;
}

/** A feed of one number. */
export function scalarSpec(name: string): FeedSpec {
  return { name, dtype: 'float32', shape: [] };
}

/** Sets variables; returns the nodes that do it. */
export function addAssignments(
  recorder: StepRecorder,
  values: Readonly<Record<string, Tensor1D>>,
): string[] {
  return Object.entries(values).map(([name, tensor]) =>
    recorder.graph.add('AssignVariableOp', [name, recorder.outputOf(tensor)], {
      dtype: { type: recorder.type('float32') },
    }),
  );
}

/** The output that packs these numbers. It waits for the updates, so that fetching it takes the step. */
export function addReport(
  recorder: StepRecorder,
  reported: readonly Tensor[],
  updates: readonly string[],
): string {
  const type = { type: recorder.type('float32') };
  const outputs = reported.map((tensor) => recorder.outputOf(tensor));
  const packed = recorder.graph.add('Pack', outputs, {
    N: { int: reported.length },
    T: type,
    axis: { int: 0 },
  });
  return `${recorder.graph.add('Identity', [packed, ...updates.map((node) => `^${node}`)], { T: type })}:0`;
}
