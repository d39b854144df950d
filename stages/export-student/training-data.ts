import type { Split } from '#datasets/example.ts';
import { countExamples } from '#datasets/examples.ts';
import { labelledExamples } from '#datasets/gold-of-rows.ts';
import type { StageContext } from '#stages/stage.ts';
import { plain } from './card-text.ts';
import type { ExportConfig } from './index.ts';

/** What a split of the corpus holds, for the card. */
export interface SplitRows {
  readonly split: Split;
  /** Distinct rows; null where they are not known. */
  readonly rows: number | null;
  /** Rows with a gold label; null for language models, whose text is its own. */
  readonly labelled: number | null;
}

/** Counts the rows that the student learned from and was chosen by. */
export async function learnedSplits(
  { inputs }: StageContext<ExportConfig>,
  { isLanguageModel }: { readonly isLanguageModel: boolean },
): Promise<SplitRows[]> {
  const splits: SplitRows[] = [];
  for (const split of ['train', 'validation'] as const) {
    const [rows, labels] = [inputs[`inputs/${split}`], inputs[`labels/${split}`]];
    splits.push({
      split,
      rows: rows === undefined ? null : await countExamples(rows),
      labelled:
        labels === undefined || isLanguageModel ? null : (await labelledExamples(labels)).size,
    });
  }
  return splits;
}

/** What the student learned from and was measured on. */
export function trainingDataSection({
  splits,
  sources,
  measured,
}: {
  readonly splits: readonly SplitRows[];
  readonly sources: ExportConfig['sources'];
  /** What was measured, such as `3,079 rows`. */
  readonly measured: string;
}): string {
  const files = (split: Split) => {
    const named = sources?.[split] ?? [];
    return named.length === 0 ? 'held out of train' : named.map(plain).join(', ');
  };
  const lines = splits.map(
    ({ split, rows, labelled }) =>
      `| ${split} | ${files(split)} | ${shown(rows)} | ${shown(labelled)} |`,
  );
  const teachers = sources?.teachers ?? [];
  const whose =
    teachers.length === 0
      ? ''
      : ` Soft labels of all of them are from ${teachers.map(plain).join('; ')}.`;
  return `## Training data

| split | files | distinct rows | with a label |
|---|---|---|---|
${lines.join('\n')}
| test | ${files('test')} | measured: ${measured} | |

Equal rows count once; rows of train that stand in another split were left out.${whose}

`;
}

function shown(count: number | null): string {
  return count === null ? '-' : count.toLocaleString('en-US');
}
