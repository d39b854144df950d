import { join } from 'node:path';
import { goldClasses } from '#datasets/gold-classes.ts';
import { readLabels } from '#datasets/labels.ts';
import { highestPlaces } from '#datasets/soft-labels/top-classes.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import { architectureOf } from '#stages/students/architectures.ts';
import { readSafetensors } from '#stages/students/safetensors.ts';
import type { StudentShape } from '#stages/students/student.ts';
import { tokenIdsOf } from '#stages/train-student/batches/token-rows.ts';
import { tf } from '#tests/support/tensorflow.ts';

/** Share of the labelled test rows that the written student gets right. */
export async function testAccuracy(
  studentFolder: string,
  shape: StudentShape,
  folders: { readonly tokens: string; readonly labels: string },
): Promise<number> {
  const stored = await readSafetensors(join(studentFolder, 'model.safetensors'));
  const tokens = await readTokens(folders.tokens);
  const gold = goldClasses(await readLabels(folders.labels));
  const parameters = Object.fromEntries(
    [...stored].map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])]),
  );
  let right = 0;
  for (const [row, exampleId] of tokens.exampleIds.entries()) {
    const tokenIds = tokenIdsOf(tokens, row);
    const logits = tf.tidy(() => {
      const inputs = {
        inputIds: tf.tensor1d(tokenIds, 'int32'),
        lengths: tf.tensor1d([tokenIds.length], 'int32'),
        batchSize: 1,
        sequenceLength: tokenIds.length,
      };
      return architectureOf(shape.architecture).forward(tf, parameters, inputs, shape).dataSync();
    });
    const [best] = highestPlaces(Float32Array.from(logits), shape.classCount);
    if (best === gold.get(exampleId)) right += 1;
  }
  tf.dispose(parameters);
  return right / tokens.exampleIds.length;
}
