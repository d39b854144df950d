import { isMemoryFailure } from '#stages/onnx/session-errors.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { capture } from './capture.ts';
import { type FinishedShards, findFinishedShards } from './finished-shards.ts';
import { OutOfMemoryAgainError, smallerBudget } from './out-of-memory.ts';
import type { Plan } from './plan.ts';
import type { Provenance } from './provenance.ts';
import { Quarantine } from './quarantine.ts';
import type { SoftLabelConfig } from './settings.ts';
import { openShardWriter } from './shard-writer.ts';
import type { Teacher } from './teacher.ts';

/** Who answers, and what is done already. */
export interface ShardRun {
  readonly finished: FinishedShards;
  /** undefined where every row is taken over. */
  readonly teacher: Teacher | undefined;
  readonly provenance: Provenance;
  /** Opens the same teacher anew. */
  readonly open: () => Promise<Teacher>;
}

/**
 * Fills all shards that are not finished; returns how many rows were left out. Where memory runs out,
 * once, the pass goes on with half the token budget, if that cannot change a number.
 */
export async function* fillShards(
  context: StageContext<SoftLabelConfig>,
  plan: Plan,
  run: ShardRun,
): AsyncGenerator<StageEvent, number, void> {
  try {
    return yield* fillOnce(context, plan, run);
  } catch (error) {
    if (!isMemoryFailure(error) || run.teacher === undefined) throw error;
    const finished = await findFinishedShards(plan.shards, plan.identity);
    const { config } = context;
    const tokenBudget = smallerBudget(error, config.tokenBudget, run.teacher, finished.shards.size);
    const message = `out of memory with tokenBudget ${config.tokenBudget}: goes on with ${tokenBudget}`;
    yield { type: 'warning', message };
    // What the arena holds is given back with its session, and not before.
    await run.teacher.close();
    const teacher = await run.open();
    try {
      const smaller = { ...context, config: { ...config, tokenBudget } };
      return yield* fillOnce(smaller, plan, { ...run, finished, teacher });
    } catch (again) {
      throw isMemoryFailure(again) ? new OutOfMemoryAgainError(again, tokenBudget) : again;
    } finally {
      await teacher.close();
    }
  }
}

async function* fillOnce(
  { config, signal }: StageContext<SoftLabelConfig>,
  { shards, identity, keep, sealed, corpus }: Plan,
  { finished, teacher, provenance }: ShardRun,
): AsyncGenerator<StageEvent, number, void> {
  const open = shards.filter((shard) => !finished.shards.has(shard));
  const quarantine = new Quarantine(shards.reduce((sum, shard) => sum + shard.all.count, 0));
  if (open.length === 0) return quarantine.count;
  const writer = openShardWriter({ ...identity, ...provenance }, config.codec);
  try {
    const { tokenBudget } = config;
    const { maxLength } = corpus;
    const job = { keep, sealed, teacher, writer, tokenBudget, maxLength, quarantine, signal };
    yield* capture({ ...job, shards: open });
  } finally {
    await writer.close();
  }
  return quarantine.count;
}
