import { excerptOf, type Reject } from '#datasets/corpus/reject.ts';
import type { Example } from '#datasets/example.ts';
import type { GoldLabel } from '#datasets/labels.ts';
import type { GoldTargets } from '#datasets/targets.ts';
import type { TokenLabels } from '#datasets/tokens/token-labels.ts';
import type { PrepareConfig } from './config.ts';
import { mergeTargets } from './merge-targets.ts';
import type { SourceRow } from './read-corpus.ts';

/** The distinct examples of one split. */
export interface MergedSplit {
  readonly examples: readonly Example[];
  readonly labels: readonly GoldLabel[];
  /** In place of labels, of tasks whose gold is numbers. */
  readonly targets?: readonly GoldTargets[];
  /** Of token classification, in place of `labels`. */
  readonly tokenLabels?: readonly TokenLabels[];
  /** Rows that were merged into an earlier one. */
  readonly duplicates: number;
  /** Examples whose rows carry different labels. */
  readonly conflicts: number;
  /** Rows left out by `onConflict: reject`. */
  readonly rejects: readonly Reject[];
}

/** How equal rows become one example. */
export interface MergeRules {
  readonly onConflict: PrepareConfig['onConflict'];
  readonly classNames: readonly string[];
  readonly idOfLabel: ReadonlyMap<string, number>;
  /** Of tasks whose gold is numbers: the values of a label. */
  readonly targetsOf?: ((label: string) => Float32Array) | undefined;
}

/** Merges equal rows into the first of them; its weight counts them. Order stays that of the corpus. */
export function mergeRows(rows: readonly SourceRow[], rules: MergeRules): MergedSplit {
  const groups = groupEqual(rows).map((group) => mergeGroup(group, rules));
  const kept = groups.filter((group) => group.rejects.length === 0);
  return {
    examples: kept.map((group) => group.example),
    labels: kept.flatMap((group) => group.labels),
    targets: kept.flatMap((group) => group.targets),
    duplicates: kept.reduce((sum, group) => sum + group.example.weight - 1, 0),
    conflicts: groups.filter((group) => group.conflict).length,
    rejects: groups.flatMap((group) => group.rejects),
  };
}

/** Equal rows. */
export interface Group {
  readonly first: SourceRow;
  readonly rows: SourceRow[];
}

interface MergedGroup {
  readonly example: Example;
  readonly labels: readonly GoldLabel[];
  readonly targets: readonly GoldTargets[];
  readonly conflict: boolean;
  readonly rejects: readonly Reject[];
}

/** Rows that one example stands for, in the order of their first. */
export function groupEqual(
  rows: readonly SourceRow[],
  keyOf: (row: SourceRow) => string = equalityKey,
): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: row, rows: [row] });
    else group.rows.push(row);
  }
  return [...groups.values()];
}

/** Train learns nothing from near-equal rows; validation and test keep what they were made to measure. */
function equalityKey(row: SourceRow): string {
  return row.split === 'train' ? row.leakKey : row.exampleId;
}

function mergeGroup({ first, rows }: Group, rules: MergeRules): MergedGroup {
  const { exampleId, split, sourceId, text, textPair, features, kept } = first;
  const gold = goldOf(exampleId, rows, rules);
  return {
    example: {
      exampleId,
      split,
      sourceId,
      text,
      textPair,
      weight: rows.length,
      ...(features && { features }),
      ...(kept && { kept }),
    },
    ...gold,
    rejects: gold.conflict && rules.onConflict === 'reject' ? rows.map(toConflictReject) : [],
  };
}

function goldOf(
  exampleId: string,
  rows: readonly SourceRow[],
  rules: MergeRules,
): Pick<MergedGroup, 'labels' | 'targets' | 'conflict'> {
  if (rules.targetsOf !== undefined) {
    const { targets, conflict } = mergeTargets(rows, rules.targetsOf);
    return { labels: [], targets: targets === null ? [] : [{ exampleId, targets }], conflict };
  }
  const votes = countVotes(rows, rules.idOfLabel);
  return { labels: goldLabels(exampleId, votes, rules), targets: [], conflict: votes.size > 1 };
}

/** Rows per class, in the order of first appearance. Where a person corrected some, the others have no vote. */
function countVotes(
  rows: readonly SourceRow[],
  idOfLabel: ReadonlyMap<string, number>,
): Map<number, number> {
  const votes = new Map<number, number>();
  const corrected = rows.filter(({ isCorrected }) => isCorrected === true);
  for (const { label } of corrected.length > 0 ? corrected : rows) {
    const labelId = label === null ? undefined : idOfLabel.get(label);
    if (labelId !== undefined) votes.set(labelId, (votes.get(labelId) ?? 0) + 1);
  }
  return votes;
}

function goldLabels(
  exampleId: string,
  votes: ReadonlyMap<number, number>,
  { onConflict, classNames }: MergeRules,
): GoldLabel[] {
  const total = [...votes.values()].reduce((sum, count) => sum + count, 0);
  const most = Math.max(...votes.values());
  const soft = onConflict === 'soft';
  const kept = soft ? [...votes] : [...votes].filter(([, count]) => count === most).slice(0, 1);
  return kept.map(([labelId, count]) => ({
    exampleId,
    labelId,
    label: classNames[labelId] ?? '',
    weight: soft ? count / total : 1,
  }));
}

function toConflictReject(row: SourceRow): Reject {
  return {
    file: row.file,
    line: row.line,
    column: null,
    code: 'label-conflict',
    reason: `label "${row.label ?? ''}", but equal rows have another one`,
    excerpt: excerptOf(row.text),
  };
}
