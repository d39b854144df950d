import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import {
  BASELINE_FILE,
  baselineOf,
  observedTokens,
  unknownTokenId,
} from '#stages/students/baseline.ts';
import type { ValidationAnswers } from './validation-answers.ts';

/** Writes what `decant monitor` compares with: the answers and the lengths of the validation rows. */
export async function writeBaseline(
  folder: string,
  { tokens, labels }: ValidationAnswers,
  classNames: readonly string[],
): Promise<void> {
  const unknownId = await unknownTokenId(folder);
  const texts = labels.map((label, row) => ({
    ...label,
    ...observedTokens(
      tokens.tokenIds.subarray(tokens.offsets[row], tokens.offsets[row + 1]),
      unknownId,
    ),
  }));
  const baseline = baselineOf(texts, classNames);
  await writeFileAtomic(join(folder, BASELINE_FILE), `${JSON.stringify(baseline, null, 2)}\n`);
}
