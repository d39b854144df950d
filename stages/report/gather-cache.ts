import type { SoftLabelMeta } from '#datasets/soft-labels/soft-label-meta.ts';
import { topClasses } from '#datasets/soft-labels/top-classes.ts';
import { openExampleLabels } from '#datasets/window-means.ts';
import { histogramBins } from './plots/histogram.ts';
import { roundTicks } from './plots/scale.ts';
import type { CacheFigures, Fact } from './report-data.ts';

/** Figures of a folder of soft labels, and what its files say of their origin. */
export async function readCacheFigures(
  folder: string,
): Promise<{ figures: CacheFigures; facts: Fact[] }> {
  const reader = await openExampleLabels(folder);
  try {
    const entropies: number[] = [];
    const confidences: number[] = [];
    for await (const rows of reader.rows()) {
      for (const entropy of rows.entropyNats) entropies.push(entropy);
      for (const confidence of topClasses(rows, reader.meta).confidences)
        confidences.push(confidence);
    }
    return { figures: figuresOf(reader.meta, entropies, confidences), facts: factsOf(reader.meta) };
  } finally {
    await reader.close();
  }
}

function figuresOf(
  meta: SoftLabelMeta,
  entropies: readonly number[],
  confidences: readonly number[],
): CacheFigures {
  return {
    rows: entropies.length,
    kept: keptOf(meta),
    temperatures: meta.temperatures,
    ...entropyFigures(entropies),
    confidence: histogramBins(confidences, 1, 25),
    meanConfidence: mean(confidences),
  };
}

/** Histogram and mean of entropies, in nats. */
export function entropyFigures(
  entropies: readonly number[],
): Pick<CacheFigures, 'entropyNats' | 'meanEntropyNats'> {
  // The last percent of a long tail would squeeze all the rest into the first bars.
  const ascending = entropies.toSorted((a, b) => a - b);
  const usual = ascending[Math.floor(ascending.length * 0.995)] ?? 1;
  const end = roundTicks(0, Math.max(usual, 0.1)).at(-1) ?? 1;
  return {
    entropyNats: histogramBins(entropies, end, 30),
    meanEntropyNats: mean(entropies),
  };
}

function keptOf({ mode, topK, samples, classNames, precision }: SoftLabelMeta): string {
  switch (mode) {
    case 'dense':
      return `all ${classNames.length} logits`;
    case 'sampled':
      return `${samples} draws from the distribution`;
    case 'top-k':
      return `top ${topK} and the tail${precision === 'float32' ? '' : `, ${precision}`}`;
    default:
      return mode satisfies never;
  }
}

/** What the files of a cache say of their origin. */
export function factsOf(meta: SoftLabelMeta): Fact[] {
  return [
    { name: 'Teacher (SHA-256)', value: meta.teacherDigest },
    { name: 'Tokenizer (SHA-256)', value: meta.tokenizerDigest },
    { name: 'Soft labels (fingerprint)', value: meta.fingerprint },
    { name: 'Teacher ran on', value: `${meta.runtime}, ${meta.provider}` },
    { name: 'Longest input', value: `${meta.maxLength} tokens` },
  ];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
