import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';

/** What a person wants forgotten. */
export type Asked =
  /** Example ids or the user's own ids, one a line. */
  | { readonly by: 'ids'; readonly file: string; readonly lines: readonly string[] }
  /** An SQL condition on examples: example_id, split, source_id, text, text_pair, weight. */
  | { readonly by: 'where'; readonly condition: string };

/** What may be kept of it for ever: enough to show that it was done, and nothing of the rows. */
export interface AskedRecord {
  readonly by: Asked['by'];
  /** Name of the file of ids, or the condition with its literals struck out. */
  readonly what: string;
  /** Of each id, or of the condition: whoever asks again learns that it is done. */
  readonly sha256: string[];
}

export class ForgetUsageError extends Failure {
  constructor(message: string, fix: string) {
    super('usage', 'E_FORGET', message, fix);
  }
}

/** Reads the two ways to ask; exactly one of them has to be there. */
export async function askedBy(options: {
  readonly ids?: string;
  readonly where?: string;
}): Promise<Asked> {
  const { ids, where } = options;
  if ((ids === undefined) === (where === undefined)) {
    const message = ids === undefined ? 'nothing to forget is named' : '--ids and --where together';
    throw new ForgetUsageError(message, `give --ids FILE or --where "source_id = '...'"`);
  }
  if (ids === undefined) return { by: 'where', condition: where ?? '' };
  const text = await readFile(ids, 'utf8').catch((error: Error) => {
    throw new ForgetUsageError(`${ids}: ${error.message}`, 'name a file with one id a line');
  });
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return { by: 'ids', file: basename(ids), lines: lines.filter((line) => line !== '') };
}

/** The form of `asked` that may stay in the store. */
export function recordOf(asked: Asked): AskedRecord {
  switch (asked.by) {
    case 'ids':
      return { by: 'ids', what: asked.file, sha256: asked.lines.map(digestOf).sort() };
    case 'where':
      return { by: 'where', what: shapeOf(asked.condition), sha256: [digestOf(asked.condition)] };
    default:
      return asked satisfies never;
  }
}

/** The condition up to its first literal: what stands in quotes is likely what is to be forgotten. */
function shapeOf(condition: string): string {
  const literal = condition.search(/['$]|\d/);
  return literal === -1 ? condition : `${condition.slice(0, literal)}...`;
}
