import type { GraphCall } from './step-graph.ts';
import type { StepRecorder } from './step-recorder.ts';
import type { Part } from './vector-parts.ts';

/** The call that reads a vector. */
export function readingCall(name: string): GraphCall {
  return { feeds: [], inputs: [], output: `${name}/read:0` };
}

/** The variables that hold a vector, one after the other. */
export function partsOf(name: string, count: number): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, part) => `${name}/${part}`);
}

/** The output that is the vector as a whole, and its parts. */
export function readsOf(
  name: string,
  lengths: readonly number[],
): { readonly output: string; readonly parts?: readonly Part[] } {
  const whole = `${name}/read:0`;
  if (lengths.length === 1) return { output: whole };
  const parts = partsOf(name, lengths.length).map((variable, index) => ({
    output: `${variable}/read:0`,
    length: lengths[index] ?? 0,
  }));
  return { output: whole, parts };
}

/**
 * Adds vectors, each in a variable for every part, and the call that sets all of them: it takes a feed for each vector.
 */
export function addVariables(
  recorder: StepRecorder,
  names: readonly string[],
  lengths: readonly number[],
): GraphCall {
  const { graph } = recorder;
  const type = { type: recorder.type('float32') };
  const size = lengths.reduce((sum, length) => sum + length, 0);
  const assigned = names.flatMap((name) => {
    graph.add('Placeholder', [], { dtype: type, shape: { shape: [size] } }, `${name}/new`);
    // A fed tensor lies in memory of JavaScript, which a variable must not outlive.
    graph.add('DeepCopy', [`${name}/new`], { T: type }, `${name}/copy`);
    const variables = partsOf(name, lengths.length);
    for (const [index, variable] of variables.entries()) {
      const shape = { shape: [lengths[index] ?? 0] };
      const names = { shared_name: { text: variable }, container: { text: '' } };
      graph.add('VarHandleOp', [], { dtype: type, shape, ...names }, variable);
      graph.add('ReadVariableOp', [variable], { dtype: type }, `${variable}/read`);
    }
    const values = lengths.length === 1 ? [`${name}/copy`] : addParts(recorder, name, lengths);
    return variables.map((variable, index) =>
      graph.add('AssignVariableOp', [variable, values[index] ?? ''], { dtype: type }),
    );
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

/** Joins the variables of a vector as what is read, and cuts what is fed; returns the cuts. */
function addParts(recorder: StepRecorder, name: string, lengths: readonly number[]): string[] {
  const { graph } = recorder;
  const [float, int] = [{ type: recorder.type('float32') }, { type: recorder.type('int32') }];
  const constant = (node: string, data: Int32Array, shape: readonly number[]) =>
    graph.add('Const', [], { dtype: int, value: { constant: { ...int, shape, data } } }, node);
  const axis = constant(`${name}/axis`, Int32Array.of(0), []);
  const ends = constant(`${name}/lengths`, Int32Array.from(lengths), [lengths.length]);
  const reads = partsOf(name, lengths.length).map((variable) => `${variable}/read`);
  const joined = { N: { int: lengths.length }, T: float, Tidx: int };
  graph.add('ConcatV2', [...reads, axis], joined, `${name}/read`);
  const cut = { T: float, Tlen: int, num_split: { int: lengths.length } };
  graph.add('SplitV', [`${name}/copy`, ends, axis], cut, `${name}/cut`);
  return lengths.map((_, index) => `${name}/cut:${index}`);
}
