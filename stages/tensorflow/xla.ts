import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failure } from '#cache/failure.ts';
import { GraphSession } from './graph-session.ts';
import type { Tensorflow } from './runtime.ts';
import { StepRecorder } from './step-recorder.ts';

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
 * Compiles a small graph and looks for what XLA leaves behind; null: it does compile. TensorFlow would run
 * marked nodes one by one without a word where it cannot. Looked at once a process.
 */
export function xlaProblem(tf: Tensorflow): string | null {
  if (checked === undefined) checked = tryCompiling(tf);
  return checked;
}

function tryCompiling(tf: Tensorflow): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'decant-xla-'));
  const given = process.env['XLA_FLAGS'];
  // Read once, at the first compilation of the process; one module is proof enough.
  const dump = `--xla_dump_to=${folder} --xla_dump_max_hlo_modules=1`;
  process.env['XLA_FLAGS'] = given === undefined ? dump : `${given} ${dump}`;
  try {
    runCompiled(tf);
    return readdirSync(folder).length > 0 ? null : 'TensorFlow compiled nothing with it';
  } catch (error) {
    return `TensorFlow fails to compile: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    if (given === undefined) delete process.env['XLA_FLAGS'];
    else process.env['XLA_FLAGS'] = given;
    rmSync(folder, { recursive: true, force: true });
  }
}

function runCompiled(tf: Tensorflow): void {
  const recorder = new StepRecorder(tf);
  const shape = [4];
  const type = { type: recorder.type('float32') };
  recorder.graph.add('Placeholder', [], { dtype: type, shape: { shape } }, 'x');
  const output = tf.tidy(() => {
    const x = tf.zeros(shape);
    recorder.declare(x, 'x:0');
    const result = recorder.record(() => tf.exp(tf.tanh(tf.mul(tf.add(tf.square(x), x), x))), {
      xla: true,
    });
    return recorder.outputOf(result);
  });
  const session = new GraphSession(tf, recorder.graph.savedModel());
  try {
    const feeds = [{ name: 'x', dtype: 'float32', shape }] as const;
    session.run({ feeds, inputs: ['x:0'], output }, { x: new Float32Array(4) });
  } finally {
    session.close();
  }
}
