import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SPLITS } from '#datasets/example.ts';
import type { StageEvent } from '#stages/stage.ts';
import { failingWith } from '#tests/support/failure.ts';
import type { StageRun, StageRunOptions } from '#tests/support/run-stage.ts';
import { temporaryFolder } from '#tests/support/temporary-folder.ts';
import {
  corpusOf,
  near,
  type RowNumber,
  rowsOf,
  runSoftLabel,
  tokensOf,
  writeCorpus,
  writeTeacher,
} from '../small-run.ts';
import type { TestedDevice } from './as-on-cpu.ts';

const config = { keep: 'all', shardRows: 30, tokenBudget: 128 };

/** Memory runs out in the first batch: the pass goes on with half the budget, and says what it says with enough. */
export async function assertHalvesBudget(device: TestedDevice): Promise<void> {
  const inputs = await writeCorpus(corpusOf(60));
  await assertAsWithEnough(inputs, await greedyRun(inputs, device), device);
}

/**
 * Memory runs out when a file is finished: on the CPU the pass goes on, elsewhere it ends, as the other files would
 * be made in other batches.
 */
export async function assertHalvesLater(device: TestedDevice): Promise<void> {
  // One token a row in the first file, up to 17 in the second.
  const tokens = (row: RowNumber) => tokensOf(row < 30 ? 0 : row);
  const inputs = await writeCorpus(corpusOf(60), { tokens });
  const folder = temporaryFolder();
  const first = join(folder, 'rows/train', 'part-00000.parquet');
  if (device === 'cpu') {
    let hadFile = false;
    const onEvent = ({ type }: StageEvent) => {
      if (type === 'warning') hadFile = existsSync(first);
    };
    await assertAsWithEnough(inputs, await greedyRun(inputs, device, { folder, onEvent }), device);
    assert.ok(hadFile, 'memory ran out behind the first file');
    return;
  }
  await assert.rejects(
    greedyRun(inputs, device, { folder }),
    failingWith('E_MODEL_MEMORY', 'smaller batches were not tried: on cuda', '1 finished files'),
  );
  assert.ok(existsSync(first), 'the first file stays');
}

/** Of a teacher that wants 40 TB for more than 100 tokens. */
function greedyRun(
  inputs: Readonly<Record<string, string>>,
  device: TestedDevice,
  options: Pick<StageRunOptions, 'folder' | 'onEvent'> = {},
) {
  const files = { model: [writeTeacher({ mostTokens: 100 })] };
  return runSoftLabel({ inputs, files, config: { ...config, device }, ...options });
}

async function assertAsWithEnough(
  inputs: Readonly<Record<string, string>>,
  run: StageRun,
  device: TestedDevice,
): Promise<void> {
  assert.match(run.warnings.join('\n'), /out of memory with tokenBudget 128: goes on with 64/);
  const files = { model: [writeTeacher()] };
  const plain = await runSoftLabel({ inputs, files, config: { ...config, device } });
  assert.deepEqual(run.counts['quarantined'], 0);
  for (const split of SPLITS) {
    const [{ rows }, { rows: expected }] = [await rowsOf(run, split), await rowsOf(plain, split)];
    assert.deepEqual(rows.exampleIds, expected.exampleIds);
    if (device === 'cpu') assert.deepEqual(rows, expected);
    else rows.logits.forEach((logit, at) => near(logit, expected.logits[at] ?? Number.NaN, 1e-4));
  }
}
