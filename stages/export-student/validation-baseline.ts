import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import {
  BASELINE_FILE,
  baselineOf,
  observedLabel,
  observedTokens,
  unknownTokenId,
} from '#stages/students/baseline.ts';
import type { ValidationAnswers } from './validation-answers.ts';

/** Writes what `decant monitor` compares with: the answers and the lengths of the validation rows. */
export async function writeBaseline(
  folder: string,
  { tokens, logits }: ValidationAnswers,
  {
    classNames,
    temperature,
  }: { readonly classNames: readonly string[]; readonly temperature: number },
): Promise<void> {
  const unknownId = await unknownTokenId(folder);
  const texts = logits.map((of, row) => ({
    ...observedLabel(of, classNames, temperature),
    ...observedTokens(
      tokens.tokenIds.subarray(tokens.offsets[row], tokens.offsets[row + 1]),
      unknownId,
    ),
  }));
  const baseline = baselineOf(texts, classNames);
  await writeFileAtomic(join(folder, BASELINE_FILE), `${JSON.stringify(baseline, null, 2)}\n`);
}
