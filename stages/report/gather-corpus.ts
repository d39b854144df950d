import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Split, StoredExample } from '#datasets/example.ts';
import { readExamples } from '#datasets/examples.ts';
import { labelledExamples } from '#datasets/gold-of-rows.ts';
import { readTokens } from '#datasets/tokens/tokens.ts';
import type { Fact, SplitFigures } from './report-data.ts';

/** The examples of one split and what is known of them. */
export interface SplitRows {
  readonly examples: readonly StoredExample[];
  readonly figures: SplitFigures;
}

/** Reads one split; labels and tokens are counted where the graph gives them. */
export async function readSplit(
  inputs: Readonly<Record<string, string>>,
  split: Split,
): Promise<SplitRows> {
  const folder = inputs[`inputs/${split}`];
  const examples = folder === undefined ? [] : await readExamples(folder);
  const labels = inputs[`labels/${split}`];
  const tokens = inputs[`tokens/teacher/${split}`];
  return {
    examples,
    figures: {
      split,
      examples: examples.length,
      rows: examples.reduce((sum, example) => sum + example.weight, 0),
      labelled: labels === undefined ? null : await labelledIn(labels),
      truncated: tokens === undefined ? null : await truncatedIn(tokens),
    },
  };
}

/** Rows that prepare set aside, by the reason that its summary.json gives. */
export async function readRejects(folder: string | undefined): Promise<Fact[]> {
  if (folder === undefined) return [];
  const text = await readFile(join(folder, 'summary.json'), 'utf8');
  const { total, counts } = rejectsSchema.parse(JSON.parse(text));
  const value = (rows: number) => rows.toLocaleString('en-US');
  return [
    { name: 'Rows set aside', value: value(total) },
    ...Object.entries(counts).map(([code, rows]) => ({ name: code, value: value(rows) })),
  ];
}

async function labelledIn(folder: string): Promise<number> {
  return (await labelledExamples(folder)).size;
}

async function truncatedIn(folder: string): Promise<number> {
  return (await readTokens(folder)).truncated.reduce((sum, flag) => sum + flag, 0);
}

const rejectsSchema = z.object({ total: z.int(), counts: z.record(z.string(), z.int()) });
