import { readAhead } from '#datasets/read-ahead.ts';
import { answersOf } from '#datasets/tokens/token-answers.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { tokenIdsOf } from '#stages/train-student/batches/token-rows.ts';
import type { GoldTarget } from '#stages/train-student/targets/gold-targets.ts';
import type { SoftTarget } from '#stages/train-student/targets/soft-targets.ts';
import type { TargetSource } from '#stages/train-student/targets/target-source.ts';
import {
  type AnswerTarget,
  EmptyTransferSetError,
  MissingSoftLabelsError,
  memoryOf,
  type TransferRow,
  type TransferSet,
  toleratedShare,
} from '#stages/train-student/transfer-set.ts';

/** What is joined by example id and number of the word. */
export interface WordSources {
  readonly tokens: StoredTokens;
  /** Class of each word; -1 where it has none. */
  readonly gold: ReadonlyMap<string, Int32Array>;
  /** null: no soft loss, so that only words with gold are trained on. */
  readonly softTargets: TargetSource | null;
  readonly memoryLimitBytes: number;
}

/** As `openTransferSet`, with a target for each word: teacher and student may cut words differently. */
export async function openWordTransferSet(sources: WordSources): Promise<TransferSet> {
  const { softTargets } = sources;
  const set = softTargets === null ? goldOnly(sources) : await withTeacher(sources, softTargets);
  if (set.rowCount === 0) throw new EmptyTransferSetError(softTargets !== null);
  return set;
}

function goldOnly(sources: WordSources): TransferSet {
  const rows = [...sources.tokens.exampleIds.keys()].flatMap((row) =>
    wordRow(sources, row, () => null),
  );
  return {
    ...surveyOf(rows),
    shardCount: 1,
    readShard: () => Promise.resolve(rows),
    soft: null,
    leftOut: [],
  };
}

async function withTeacher(sources: WordSources, targets: TargetSource): Promise<TransferSet> {
  const { tokens } = sources;
  const tokenRows = new Map(tokens.exampleIds.map((exampleId, row) => [exampleId, row]));
  const read = async (shard: number): Promise<TransferRow[]> => {
    const answers = await answersIn(targets, shard);
    return [...answers].flatMap(([exampleId, words]) => {
      const row = tokenRows.get(exampleId);
      return row === undefined ? [] : wordRow(sources, row, (word) => words.get(word)?.() ?? null);
    });
  };
  const fits = memoryOf(targets) <= sources.memoryLimitBytes;
  const kept: TransferRow[][] = [];
  const surveys: Survey[] = [];
  const spoken = new Set<string>();
  for await (const rows of readAhead(Array(targets.shardCount).keys(), read)) {
    if (fits) kept.push(rows);
    surveys.push(surveyOf(rows));
    for (const { exampleId } of rows) spoken.add(exampleId);
  }
  const leftOut = missingIn(sources, spoken);
  if (leftOut.length > targets.teachers * toleratedShare * tokens.exampleIds.length) {
    throw new MissingSoftLabelsError(leftOut, tokens.exampleIds.length);
  }
  return {
    rowCount: surveys.reduce((sum, { rowCount }) => sum + rowCount, 0),
    goldCount: surveys.reduce((sum, { goldCount }) => sum + goldCount, 0),
    lengths: surveys.flatMap(({ lengths }) => lengths),
    shardCount: targets.shardCount,
    readShard: async (shard) => kept[shard] ?? read(shard),
    soft: targets.layout,
    leftOut,
  };
}

type Survey = Pick<TransferSet, 'rowCount' | 'goldCount' | 'lengths'>;

function surveyOf(rows: readonly TransferRow[]): Survey {
  return {
    rowCount: rows.length,
    goldCount: rows.filter(({ answers = [] }) => answers.some(({ gold }) => gold.length > 0))
      .length,
    lengths: rows.map(({ tokenIds }) => tokenIds.length),
  };
}

/** What the teacher says of each word of each example of a shard, by example id and number of the word. */
async function answersIn(
  targets: TargetSource,
  shard: number,
): Promise<Map<string, Map<number, () => SoftTarget>>> {
  const [ids, positions, targetOf] = await Promise.all([
    targets.readIds(shard),
    targets.readPositions(shard),
    targets.readTargets(shard),
  ]);
  if (positions === undefined) throw new Error('soft labels of words have no positions');
  const examples = new Map<string, Map<number, () => SoftTarget>>();
  for (const [row, exampleId] of ids.entries()) {
    if (exampleId === null) continue;
    const words = examples.get(exampleId) ?? new Map<number, () => SoftTarget>();
    words.set(positions[row] ?? -1, () => targetOf(row));
    examples.set(exampleId, words);
  }
  return examples;
}

/** The row with its words that anybody says something of; none where nobody does. */
function wordRow(
  { tokens, gold }: WordSources,
  row: number,
  softOf: (word: number) => SoftTarget | null,
): TransferRow[] {
  const { at, positions, offsets } = answersOf(tokens);
  const exampleId = tokens.exampleIds[row] ?? '';
  const labelIds = gold.get(exampleId);
  const answers: AnswerTarget[] = [];
  for (let index = offsets[row] ?? 0; index < (offsets[row + 1] ?? 0); index++) {
    const word = positions[index] ?? -1;
    const soft = softOf(word);
    const labels = goldOf(labelIds?.[word] ?? -1);
    if (soft !== null || labels.length > 0) {
      answers.push({ at: at[index] ?? 0, gold: labels, soft });
    }
  }
  if (answers.length === 0) return [];
  return [{ exampleId, tokenIds: tokenIdsOf(tokens, row), gold: [], soft: null, answers }];
}

function goldOf(labelId: number): readonly GoldTarget[] {
  return labelId < 0 ? NO_GOLD : [{ labelId, weight: 1 }];
}

/** Examples with words of which the teacher says nothing at all. */
function missingIn({ tokens }: WordSources, spoken: ReadonlySet<string>): string[] {
  const { offsets } = answersOf(tokens);
  return tokens.exampleIds.filter(
    (exampleId, row) => offsets[row] !== offsets[row + 1] && !spoken.has(exampleId),
  );
}

const NO_GOLD: readonly GoldTarget[] = [];
