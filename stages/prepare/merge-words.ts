import { excerptOf, type Reject } from '#datasets/corpus/reject.ts';
import type { TokenLabels } from '#datasets/tokens/token-labels.ts';
import { type Group, groupEqual, type MergedSplit, type MergeRules } from './merge-rows.ts';
import { SoftWordLabelsError } from './prepare-errors.ts';
import type { SourceRow } from './read-corpus.ts';

/**
 * Merges sentences of the same words. Near-equal ones stay apart, also in train: case and punctuation are what
 * a tagger goes by. Where their tags differ, the most frequent row of tags is kept (on a tie the first).
 */
export function mergeWordRows(rows: readonly SourceRow[], rules: MergeRules): MergedSplit {
  if (rules.onConflict === 'soft') throw new SoftWordLabelsError();
  const groups = groupEqual(rows, ({ exampleId }) => exampleId).map((group) =>
    mergeGroup(group, rules),
  );
  const kept = groups.filter((group) => group.rejects.length === 0);
  return {
    examples: kept.map(({ example }) => example),
    labels: [],
    tokenLabels: kept.flatMap(({ labels }) => labels),
    duplicates: kept.reduce((sum, { example }) => sum + example.weight - 1, 0),
    conflicts: groups.filter(({ conflict }) => conflict).length,
    rejects: groups.flatMap(({ rejects }) => rejects),
  };
}

function mergeGroup({ first, rows }: Group, { onConflict, idOfLabel }: MergeRules) {
  const { exampleId, split, sourceId, text, words = [] } = first;
  const votes = countVotes(rows, idOfLabel);
  const conflict = votes.length > 1;
  const most = Math.max(...votes.map(({ count }) => count));
  const winner = votes.find(({ count }) => count === most);
  const labels: TokenLabels[] =
    winner === undefined ? [] : [{ exampleId, labelIds: winner.labelIds }];
  const rejects = conflict && onConflict === 'reject' ? rows.map(toReject) : [];
  const example = { exampleId, split, sourceId, text, textPair: null, words, weight: rows.length };
  return { example, labels, conflict, rejects };
}

/** Rows of tags with the number of rows that have them; rows without any tag have no vote. */
function countVotes(rows: readonly SourceRow[], idOfLabel: ReadonlyMap<string, number>) {
  const votes = new Map<string, { labelIds: Int32Array; count: number }>();
  for (const { tags = [] } of rows) {
    const labelIds = Int32Array.from(tags, (tag) => idOfLabel.get(tag ?? '') ?? -1);
    if (labelIds.every((id) => id < 0)) continue;
    const key = labelIds.join();
    const vote = votes.get(key);
    if (vote === undefined) votes.set(key, { labelIds, count: 1 });
    else vote.count += 1;
  }
  return [...votes.values()];
}

function toReject({ file, line, tags = [], text }: SourceRow): Reject {
  return {
    file,
    line,
    column: null,
    code: 'label-conflict',
    reason: `labels "${excerptOf(tags.join(' '))}", but an equal sentence has other ones`,
    excerpt: excerptOf(text),
  };
}
