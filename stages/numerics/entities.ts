/** A run of words that one name is given to: from word `start` to word `end`, both included. */
export interface Entity {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Do these names tell where entities begin and go on: O, and B-, I-, E- or S- before a type? */
export function isEntityScheme(classNames: readonly string[]): boolean {
  return (
    classNames.some((name) => name.startsWith('B-')) &&
    classNames.every((name) => /^(O|[BIES]-.+)$/s.test(name))
  );
}

/**
 * Entities of one sentence as conlleval and seqeval (default mode) find them: an I- of another type, or
 * behind an O, begins an entity too.
 */
export function entitiesOf(tags: readonly string[]): Entity[] {
  const entities: Entity[] = [];
  let before = OUTSIDE;
  let start = 0;
  for (const [place, tag] of [...tags, 'O'].entries()) {
    const now = partsOf(tag);
    if (ends(before, now)) entities.push({ type: before.type, start, end: place - 1 });
    if (starts(before, now)) start = place;
    before = now;
  }
  return entities;
}

/** Places of tags that go on with an entity which did not begin before them. */
export function strayContinuations(tags: readonly string[]): number[] {
  return [...tags.keys()].filter((place) => {
    const now = partsOf(tags[place] ?? 'O');
    const before = partsOf(tags[place - 1] ?? 'O');
    if (now.kind !== 'I' && now.kind !== 'E') return false;
    return before.type !== now.type || (before.kind !== 'B' && before.kind !== 'I');
  });
}

interface Parts {
  readonly kind: string;
  readonly type: string;
}

const OUTSIDE: Parts = { kind: 'O', type: '' };

function partsOf(tag: string): Parts {
  return tag === 'O' ? OUTSIDE : { kind: tag.slice(0, 1), type: tag.slice(2) };
}

function ends(before: Parts, now: Parts): boolean {
  if (before.kind === 'O') return false;
  if (before.kind === 'E' || before.kind === 'S') return true;
  return ['B', 'S', 'O'].includes(now.kind) || before.type !== now.type;
}

function starts(before: Parts, now: Parts): boolean {
  if (now.kind === 'O') return false;
  if (now.kind === 'B' || now.kind === 'S') return true;
  return ['E', 'S', 'O'].includes(before.kind) || before.type !== now.type;
}

/** How many entities there are, were named, and were named rightly: the same words and the same type. */
export interface EntityCounts {
  readonly gold: number;
  readonly predicted: number;
  readonly correct: number;
}

/** Counts of all sentences, by type, types in the order of their names. */
export function entityCounts(
  sentences: readonly { readonly gold: readonly string[]; readonly predicted: readonly string[] }[],
): Map<string, EntityCounts> {
  const counts = new Map<string, EntityCounts>();
  const add = (type: string, field: keyof EntityCounts) => {
    const known = counts.get(type) ?? { gold: 0, predicted: 0, correct: 0 };
    counts.set(type, { ...known, [field]: known[field] + 1 });
  };
  for (const sentence of sentences) {
    const gold = entitiesOf(sentence.gold);
    const keys = new Set(gold.map(keyOf));
    for (const { type } of gold) add(type, 'gold');
    for (const entity of entitiesOf(sentence.predicted)) {
      add(entity.type, 'predicted');
      if (keys.has(keyOf(entity))) add(entity.type, 'correct');
    }
  }
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Shares from 0 to 1; 0 where there is nothing to divide by. */
export interface EntityScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}

export function entityScore({ gold, predicted, correct }: EntityCounts): EntityScore {
  const share = (whole: number) => (whole === 0 ? 0 : correct / whole);
  const [precision, recall] = [share(predicted), share(gold)];
  const sum = precision + recall;
  return { precision, recall, f1: sum === 0 ? 0 : (2 * precision * recall) / sum };
}

/** Counts of all types together: what a micro average is taken of. */
export function totalCounts(counts: Iterable<EntityCounts>): EntityCounts {
  let total = { gold: 0, predicted: 0, correct: 0 };
  for (const { gold, predicted, correct } of counts) {
    total = {
      gold: total.gold + gold,
      predicted: total.predicted + predicted,
      correct: total.correct + correct,
    };
  }
  return total;
}

function keyOf({ type, start, end }: Entity): string {
  return `${start} ${end} ${type}`;
}
