import { Failure } from '#cache/failure.ts';
import { featureRow } from '#datasets/feature-rows.ts';
import type { FeatureRow, StoredFeatures } from '#datasets/features.ts';
import { readAhead } from '#datasets/read-ahead.ts';
import type { StoredTokens } from '#datasets/tokens/tokens.ts';
import { lengthOf, tokenIdsOf, tokensOfRows } from './batches/token-rows.ts';
import type { GoldTarget } from './targets/gold-targets.ts';
import type { SoftLayout, SoftTarget } from './targets/soft-targets.ts';
import type { TargetSource } from './targets/target-source.ts';

/** One train row with all that its losses want. */
export interface TransferRow {
  readonly exampleId: string;
  readonly tokenIds: Int32Array;
  /** Tensors by model input, where the corpus has any. */
  readonly features?: FeatureRow | undefined;
  /** Empty where there is no gold label. */
  readonly gold: readonly GoldTarget[];
  /** null in a training without soft loss. */
  readonly soft: SoftTarget | null;
  /** Where an example has several answers: what is wanted of each; the row itself then has no target. */
  readonly answers?: readonly AnswerTarget[];
}

/** What the losses want at one token. */
export interface AnswerTarget {
  /** Place among the tokens of the row. */
  readonly at: number;
  readonly gold: readonly GoldTarget[];
  /** null in a training without soft loss, and where the teacher did not see the word. */
  readonly soft: SoftTarget | null;
}

/** The rows of an epoch, shard by shard. */
export interface EpochRows {
  /** Tokens of each row, in stored order. */
  readonly lengths: readonly number[];
  readonly shardCount: number;
  readShard(shard: number): Promise<readonly TransferRow[]>;
}

/** The rows a student learns from, which are those of every epoch where there is no choice among them. */
export interface TransferSet extends EpochRows {
  readonly rowCount: number;
  readonly goldCount: number;
  /** The rows of one epoch, counted from 0, where epochs differ. */
  readonly ofEpoch?: (epoch: number) => EpochRows;
  /** How the soft targets of its rows lie; null in a training without soft loss. */
  readonly soft: SoftLayout | null;
  /** Token rows without soft label that were left out: a teacher's answer to them was quarantined. */
  readonly leftOut: readonly string[];
}

/** What is joined by example id. */
export interface TransferSources {
  readonly tokens: StoredTokens;
  /** In the order of the tokens. */
  readonly features?: StoredFeatures | undefined;
  readonly gold: ReadonlyMap<string, readonly GoldTarget[]>;
  /** null: no soft loss, so that only rows with gold are trained on. */
  readonly softTargets: TargetSource | null;
  /** Joined rows up to this size are kept in memory, others read anew each time; same rows either way. */
  readonly memoryLimitBytes: number;
  /** Rows without soft label are left out, however many: a teacher was not asked about them. */
  readonly leavesOut?: boolean;
}

/** Joins the train rows and checks that none lacks what it needs. */
export async function openTransferSet(sources: TransferSources): Promise<TransferSet> {
  const set =
    sources.softTargets === null
      ? goldOnly(sources)
      : await withSoftTargets(sources, sources.softTargets);
  if (set.rowCount === 0) throw new EmptyTransferSetError(sources.softTargets !== null);
  return set;
}

/** Rows of the transfer set have no soft label, more than a quarantine explains. */
export class MissingSoftLabelsError extends Failure {
  constructor(missing: readonly string[], rowCount: number) {
    super(
      'data',
      'E_SOFT_LABELS_MISSING',
      `${missing.length} of ${rowCount} train rows have no soft label, the first is example ${missing[0]}`,
      'let the teacher speak about them: decant run soft-label',
    );
  }
}

/** Nothing is left to learn from. */
export class EmptyTransferSetError extends Failure {
  constructor(soft: boolean) {
    super(
      'data',
      'E_TRANSFER_SET_EMPTY',
      soft
        ? 'no train row has a soft label'
        : 'no train row has a gold label, and softLossWeight is 0',
      soft ? 'add rows to corpus.train' : 'label some rows of corpus.train, or set softLossWeight',
    );
  }
}

function goldOnly({ tokens, features, gold }: TransferSources): TransferSet {
  const rows = tokens.exampleIds.flatMap((exampleId, row): TransferRow[] => {
    const targets = gold.get(exampleId);
    if (targets === undefined) return [];
    const tensors = features && { features: featureRow(features, row) };
    const place = {
      exampleId,
      get tokenIds() {
        return tokenIdsOf(tokens, row);
      },
    };
    return [Object.assign(place, { ...tensors, gold: targets, soft: null })];
  });
  return {
    rowCount: rows.length,
    goldCount: rows.length,
    lengths: rows.map(({ tokenIds }) => tokenIds.length),
    shardCount: 1,
    readShard: () => Promise.resolve(rows),
    soft: null,
    leftOut: [],
  };
}

async function withSoftTargets(
  sources: TransferSources,
  targets: TargetSource,
): Promise<TransferSet> {
  const { tokens, features, gold } = sources;
  // Ids are looked up once: a sealed shard keeps its order, so an epoch goes by its rows.
  const places = await tokenRowsOf(targets, tokens);
  const read = async (shard: number): Promise<TransferRow[]> => {
    const softTarget = await targets.readTargets(shard);
    const rows = places[shard] ?? new Int32Array();
    const tokensOf = await tokensOfRows(tokens, rows);
    return joinedRows({ tokens, tokensOf, features, gold, softTarget }, rows);
  };

  const fits = memoryOf(targets) <= sources.memoryLimitBytes;
  const kept: TransferRow[][] = [];
  if (fits) for await (const rows of readAhead(places.keys(), read)) kept.push(rows);
  const { lengths, goldCount, missing } = survey(places, sources);
  const tolerated = targets.teachers * toleratedShare * tokens.exampleIds.length;
  if (sources.leavesOut !== true && missing.size > tolerated) {
    throw new MissingSoftLabelsError([...missing], tokens.exampleIds.length);
  }
  return {
    rowCount: lengths.length,
    goldCount,
    lengths,
    shardCount: targets.shardCount,
    readShard: async (shard) => kept[shard] ?? read(shard),
    soft: targets.layout,
    leftOut: [...missing],
  };
}

/** What joining finds, without a look at the numbers. */
function survey(places: readonly Int32Array[], { tokens, gold }: TransferSources) {
  const lengths: number[] = [];
  const missing = new Set(tokens.exampleIds);
  let goldCount = 0;
  for (const shard of places) {
    for (const tokenRow of shard) {
      const exampleId = tokens.exampleIds[tokenRow];
      if (exampleId === undefined) continue;
      lengths.push(lengthOf(tokens.offsets, tokenRow));
      missing.delete(exampleId);
      if ((gold.get(exampleId)?.length ?? 0) > 0) goldCount += 1;
    }
  }
  return { lengths, goldCount, missing };
}

/** The token row of each soft label, shard by shard; -1 where there is none. */
async function tokenRowsOf(targets: TargetSource, tokens: StoredTokens): Promise<Int32Array[]> {
  const tokenRows = new Map(tokens.exampleIds.map((exampleId, row) => [exampleId, row]));
  const places: Int32Array[] = [];
  const shards = readAhead(Array(targets.shardCount).keys(), (shard) => targets.readIds(shard));
  for await (const ids of shards) {
    places.push(Int32Array.from(ids, (exampleId) => tokenRows.get(exampleId ?? '') ?? -1));
  }
  return places;
}

function joinedRows(shard: JoinedShard, places: Int32Array): TransferRow[] {
  const joined: TransferRow[] = [];
  for (const [row, tokenRow] of places.entries()) {
    if (tokenRow >= 0) joined.push(new JoinedRow(shard, row, tokenRow));
  }
  return joined;
}

/** Its parts are put together when they are asked for: a shuffle then moves places, not arrays. */
class JoinedRow implements TransferRow {
  readonly #shard: JoinedShard;
  readonly #row: number;
  readonly #tokenRow: number;

  constructor(shard: JoinedShard, row: number, tokenRow: number) {
    this.#shard = shard;
    this.#row = row;
    this.#tokenRow = tokenRow;
  }

  get exampleId(): string {
    return this.#shard.tokens.exampleIds[this.#tokenRow] ?? '';
  }

  get tokenIds(): Int32Array {
    return this.#shard.tokensOf(this.#tokenRow);
  }

  get features(): FeatureRow | undefined {
    const { features } = this.#shard;
    return features && featureRow(features, this.#tokenRow);
  }

  get gold(): readonly GoldTarget[] {
    return this.#shard.gold.get(this.exampleId) ?? [];
  }

  get soft(): SoftTarget {
    return this.#shard.softTarget(this.#row);
  }
}

interface JoinedShard extends Pick<TransferSources, 'tokens' | 'features' | 'gold'> {
  readonly softTarget: (row: number) => SoftTarget;
  readonly tokensOf: (tokenRow: number) => Int32Array;
}

/** Bytes of the joined rows, about. */
export function memoryOf({
  rowCount,
  layout: { type, width },
  hintWidth = 0,
}: Pick<TargetSource, 'rowCount' | 'layout' | 'hintWidth'>): number {
  const values = (type === 'dense' ? width : 2 * width) + hintWidth;
  return rowCount * (4 * values + objectBytes);
}

/** Rows that one teacher may have answered with NaN before the soft-label stage stops. */
export const toleratedShare = 0.001;
/** Row object, its typed-array views and its place in the lists, about. */
const objectBytes = 600;
