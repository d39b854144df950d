import type { GraphCall } from './step-graph.ts';
import type { StepRecorder } from './step-recorder.ts';

/** The call that reads a variable. */
export function readingCall(name: string): GraphCall {
  return { feeds: [], inputs: [], output: `${name}/read:0` };
}

/** Adds variables of one length and the call that sets all of them: it takes a feed for each. */
export function addVariables(
  recorder: StepRecorder,
  names: readonly string[],
  size: number,
): GraphCall {
  const { graph } = recorder;
  const type = { type: recorder.type('float32') };
  const assigned = names.map((name) => {
    const shape = { shape: [size] };
    graph.add(
      'VarHandleOp',
      [],
      { dtype: type, shape, shared_name: { text: name }, container: { text: '' } },
      name,
    );
    graph.add('ReadVariableOp', [name], { dtype: type }, `${name}/read`);
    graph.add('Placeholder', [], { dtype: type, shape }, `${name}/new`);
    // A fed tensor lies in memory of JavaScript, which a variable must not outlive.
    graph.add('DeepCopy', [`${name}/new`], { T: type }, `${name}/copy`);
    return graph.add('AssignVariableOp', [name, `${name}/copy`], { dtype: type }, `${name}/set`);
  });
  const done = { constant: { type: type.type, shape: [], data: Float32Array.of(1) } };
  graph.add('Const', [], { dtype: type, value: done }, 'done');
  graph.add('Identity', ['done', ...assigned.map((node) => `^${node}`)], { T: type }, 'restored');
  return {
    feeds: names.map((name) => ({ name, dtype: 'float32', shape: [size] })),
    inputs: names.map((name) => `${name}/new:0`),
    output: 'restored:0',
  };
}
