import { createGraphStepper } from '#stages/tensorflow/graph-stepper.ts';
import { nativeBackend, type Tensorflow } from '#stages/tensorflow/runtime.ts';
import { batchOf, programOf, stepCase } from './cases.ts';

/** Resident memory and tensors over many steps of a small student. */
export function memory(tf: Tensorflow, steps: number): string[][] {
  const given = stepCase('modernbert', {
    layers: 1,
    hiddenSize: 64,
    maxLength: 16,
    batchSize: 8,
    dropout: 0.1,
  });
  const stepper = createGraphStepper(tf, programOf(given));
  const lines: string[][] = [];
  for (let step = 0; step <= steps; step++) {
    stepper.step(given.maxLength, batchOf(given, step), 1e-3);
    if (step % (steps / 5) !== 0) continue;
    const tensors = tf.memory().numTensors + nativeBackend(tf).getNumOfTFTensors();
    lines.push([
      String(step),
      `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`,
      String(tensors),
    ]);
  }
  stepper.dispose();
  return lines;
}
