import { Failure } from '#cache/failure.ts';
import { GraphDef } from './graph-def.ts';
import { GraphSession } from './graph-session.ts';
import { graphProtobuf, nativeBackend, type Tensorflow } from './runtime.ts';
import { compiled } from './xla-attributes.ts';

/** XLA was asked for and compiles nothing here. */
export class XlaUnavailableError extends Failure {
  constructor(problem: string) {
    super(
      'usage',
      'E_XLA_UNAVAILABLE',
      `xla: true, but ${problem}`,
      'leave out xla, or set xla: if-possible to go on without it',
    );
  }
}

let checked: string | null | undefined;

/**
 * Tries whether marked nodes are compiled; null: they are. TensorFlow would run them one by one without a
 * word. What tells the two apart: XLA draws other random numbers from the same seed. Looked at once a process.
 */
export function xlaProblem(tf: Tensorflow): string | null {
  if (checked === undefined) checked = tryCompiling(tf);
  return checked;
}

function tryCompiling(tf: Tensorflow): string | null {
  try {
    const [plain, marked] = [draw(tf, false), draw(tf, true)];
    const isSame = marked.every((value, index) => value === plain[index]);
    return isSame ? 'TensorFlow compiled nothing with it' : null;
  } catch (error) {
    return `TensorFlow fails to compile: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Eight random numbers of a seed, with XLA's marks on the nodes or without. */
function draw(tf: Tensorflow, isMarked: boolean): Float32Array {
  const { binding } = nativeBackend(tf);
  const [float, int] = [{ type: binding.TF_FLOAT }, { type: binding.TF_INT32 }];
  const marks = isMarked ? compiled : {};
  const graph = new GraphDef(graphProtobuf());
  const size = { constant: { type: binding.TF_INT32, shape: [1], data: Int32Array.of(8) } };
  graph.add('Placeholder', [], { dtype: int, shape: { shape: [2] } }, 'seed');
  graph.add('Const', [], { dtype: int, value: size, ...marks }, 'size');
  const types = { dtype: float, T: int, Tseed: int };
  graph.add('StatelessRandomUniform', ['size', 'seed'], { ...types, ...marks }, 'uniform');
  graph.add('Square', ['uniform'], { T: float, ...marks }, 'square');
  graph.add('Identity', ['square'], { T: float }, 'drawn');
  const session = new GraphSession(tf, graph.savedModel());
  try {
    const feeds = [{ name: 'seed', dtype: 'int32', shape: [2] }] as const;
    const call = { feeds, inputs: ['seed:0'], output: 'drawn:0' };
    return session.run(call, { seed: Int32Array.of(3, 5) });
  } finally {
    session.close();
  }
}
