import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { openColumns } from '#datasets/corpus/open-corpus.ts';
import { isConllFile } from '#datasets/corpus/open-words.ts';
import { leakKeyOf } from '#datasets/example-id.ts';
import { guessRoles } from './roles.ts';
import { surveyFile } from './survey.ts';

export class HoldOutError extends Failure {
  constructor(problem: string, fix: string) {
    super('usage', 'E_INIT_HOLD_OUT', problem, fix);
  }
}

/** Two files made of one. */
export interface HeldOut {
  readonly train: string;
  readonly test: string;
  readonly testRows: number;
}

/**
 * Writes a share of the labelled rows to `NAME-test.jsonl` and all others to `NAME-train.jsonl` beside
 * the file. The text decides by its hash, so equal texts stay together and growth moves no row.
 */
export async function holdOut(file: string, share: number): Promise<HeldOut> {
  if (isConllFile(file)) {
    throw new HoldOutError(
      `${file}: sentences of words are not put aside`,
      'cut the file in two at a blank line, and name the smaller part with --test FILE',
    );
  }
  const { text, textPair, label } = guessRoles(await surveyFile(file));
  if (label === undefined) {
    throw new HoldOutError(
      `${file}: no column looks like labels`,
      'name labelled rows with --test FILE',
    );
  }
  const stem = join(dirname(file), basename(file).replace(/\.\w+(\.gz)?$/i, ''));
  const [train, test] = [`${stem}-train.jsonl`, `${stem}-test.jsonl`];
  const existing = [train, test].find(existsSync);
  if (existing !== undefined) {
    throw new HoldOutError(`${existing} exists already`, `remove it, or run: decant init ${train}`);
  }
  const lines: { readonly train: string[]; readonly test: string[] } = { train: [], test: [] };
  for await (const found of openColumns(file)) {
    if ('type' in found) {
      const { line, reason } =
        found.type === 'reject' ? found.reject : { ...found.row, reason: '' };
      throw new HoldOutError(`${file}: line ${line}: ${reason}`, 'correct the line and run again');
    }
    const { values } = found;
    const key = [text, ...(textPair === undefined ? [] : [textPair])].map((name) => values[name]);
    const isTest = isFilled(values[label]) && shareOf(leakKeyOf(key.join(' '))) < share;
    lines[isTest ? 'test' : 'train'].push(`${JSON.stringify(values)}\n`);
  }
  await writeFileAtomic(train, lines.train.join(''));
  await writeFileAtomic(test, lines.test.join(''));
  return { train, test, testRows: lines.test.length };
}

function isFilled(value: unknown): boolean {
  if (typeof value === 'string') return value.trim() !== '';
  return value !== undefined && value !== null;
}

/** Where a text stands between 0 and 1. */
function shareOf(key: string): number {
  return createHash('sha256').update(`hold-out ${key}`).digest().readUInt32BE() / 2 ** 32;
}
