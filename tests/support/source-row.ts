import { leakKeyOf } from '#datasets/example-id.ts';
import type { SourceRow } from '#stages/prepare/read-corpus.ts';

let nextLine = 1;

/** A row of the corpus as `prepare` reads it; every call stands on a line of its own. */
export function sourceRow(
  text: string,
  label: string | null = null,
  split: SourceRow['split'] = 'train',
): SourceRow {
  return {
    file: `${split}.jsonl`,
    line: nextLine++,
    text,
    textPair: null,
    label,
    sourceId: null,
    split,
    exampleId: `id of ${text}`,
    leakKey: leakKeyOf(text),
  };
}
