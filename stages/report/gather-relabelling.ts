import { type HardLabel, readHardLabels } from '#datasets/hard-labels.ts';
import { readRelabelSummary } from '#datasets/relabel-summary.ts';
import type { Relabelling } from './report-data.ts';
import type { TextOf } from './texts.ts';

/** Counts of hard-relabel and a few of its rows, spread over the whole range of confidence. */
export async function readRelabelling(
  folder: string | undefined,
  textOf: TextOf,
): Promise<Relabelling | null> {
  if (folder === undefined) return null;
  const rows = (await readHardLabels(folder)).toSorted(
    (a, b) => deciding(a) - deciding(b) || (a.exampleId < b.exampleId ? -1 : 1),
  );
  const shown = Math.min(rows.length, MOST_EXAMPLES);
  const picked = Array.from({ length: shown }, (_, index) =>
    rows.slice(Math.floor((index * rows.length) / shown)).slice(0, 1),
  ).flat();
  return {
    summary: await readRelabelSummary(folder),
    examples: picked.map((row) => ({ ...row, text: textOf(row.exampleId) })),
  };
}

function deciding({ confidence, teacherConfidence, studentConfidence }: HardLabel): number {
  return confidence ?? Math.min(teacherConfidence, studentConfidence);
}

const MOST_EXAMPLES = 8;
