import { isEntityScheme, strayContinuations } from '#stages/numerics/entities.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { ClassList } from './class-list.ts';
import type { SourceRow } from './read-corpus.ts';

/**
 * Tells where tags go on with an entity that none before them began. They stay as they are: such an I- counts
 * as a beginning, in our figures as in conlleval's.
 */
export function* checkTags(
  rows: readonly SourceRow[],
  { classNames }: ClassList,
): Generator<StageEvent, void, void> {
  if (!rows.some(({ words }) => words !== undefined) || !isEntityScheme(classNames)) return;
  const broken = rows.filter(({ tags = [] }) => strayIn(tags) > 0);
  const words = broken.reduce((sum, { tags = [] }) => sum + strayIn(tags), 0);
  yield { type: 'count', name: 'strayTags', value: words };
  const [first] = broken;
  if (first === undefined) return;
  const place = `${first.file} line ${first.line}`;
  const message = `words whose tag goes on with an entity that none before them began (I- without B-): ${words.toLocaleString('en-US')}, the first in the sentence of ${place}; each counts as the beginning of one`;
  yield { type: 'note', message };
}

function strayIn(tags: readonly (string | null)[]): number {
  return strayContinuations(tags.map((tag) => tag ?? 'O')).length;
}
