import type { Decision, RowEvidence } from './policy.ts';
import {
  DEFAULT_MAX_CHANGED,
  DEFAULT_MAX_CHANGED_PER_CLASS,
  type HardRelabelConfig,
} from './settings.ts';

/** A row and the label that it would get. */
export interface Proposal {
  readonly row: RowEvidence;
  readonly decision: Extract<Decision, { readonly labelId: number }>;
}

/**
 * The surest proposals within the caps: of the changes at most `maxChanged` of all gold labels and
 * `maxPerClass` of those of one class; of the filled rows at most `maxPerClass` in one class. Ties go by
 * example id. The others are left as they are.
 */
export function withinCaps(
  proposals: readonly Proposal[],
  rows: readonly RowEvidence[],
  { maxChanged = DEFAULT_MAX_CHANGED, maxPerClass }: HardRelabelConfig,
): Proposal[] {
  const surest = proposals.toSorted(
    (a, b) =>
      b.decision.confidence - a.decision.confidence || (a.row.exampleId < b.row.exampleId ? -1 : 1),
  );
  const labelled = rows.filter(({ goldId }) => goldId !== null);
  const ofClass = new Map<number | null, number>();
  for (const { goldId } of labelled) ofClass.set(goldId, (ofClass.get(goldId) ?? 0) + 1);
  const perClass = maxPerClass ?? DEFAULT_MAX_CHANGED_PER_CLASS;
  const changed = surest.filter(({ decision }) => decision.type === 'changed');
  const keptChanges = limited(
    changed,
    ({ row }) => row.goldId,
    (goldId) => Math.floor(perClass * (ofClass.get(goldId) ?? 0)),
  ).slice(0, Math.floor(maxChanged * labelled.length));
  const filled = surest.filter(({ decision }) => decision.type === 'filled');
  const most = maxPerClass === undefined ? filled.length : Math.floor(maxPerClass * filled.length);
  return [
    ...keptChanges,
    ...limited(
      filled,
      ({ decision }) => decision.labelId,
      () => most,
    ),
  ];
}

/** The first of each group, as many as it may have. */
function limited<Item, Group>(
  items: readonly Item[],
  groupOf: (item: Item) => Group,
  most: (group: Group) => number,
): Item[] {
  const taken = new Map<Group, number>();
  return items.filter((item) => {
    const group = groupOf(item);
    const before = taken.get(group) ?? 0;
    if (before >= most(group)) return false;
    taken.set(group, before + 1);
    return true;
  });
}
