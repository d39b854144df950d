import { openSession, type SessionTensor } from '#stages/onnx/session.ts';
import { feedsOf, matchTeacherInputs } from '#stages/soft-label/teacher-inputs.ts';
import type { TeacherRow } from '#stages/soft-label/teacher-rows.ts';
import { type BenchSample, batchesOf, median, mixedRows, sum, takeTurns } from './rows.ts';

interface PlannedBatch {
  readonly members: readonly TeacherRow[];
  readonly length: number;
}

/** Tokens a second of the teacher alone: arrival order at batch 32 against our batches, on mixed lengths. */
export async function lengths(
  { model, rows: texts, classNames }: BenchSample,
  rounds: number,
  rowCount: number,
): Promise<string[][]> {
  const rows = mixedRows(texts, rowCount);
  const session = await openSession(model, { device: 'cpu', threads: 2 });
  const inputs = matchTeacherInputs(session);
  const plans = {
    'arrival order, batch 32': arrival(rows, 32),
    'length buckets': batchesOf(rows, classNames.length, inputs.shape),
  };
  const run = async (batches: readonly PlannedBatch[]) => {
    const feeds: Record<string, SessionTensor>[] = batches.map(({ members, length }) =>
      feedsOf(inputs, members, { length }, { padTokenId: 0 }),
    );
    const start = performance.now();
    for (const one of feeds) await session.run(one, ['logits']);
    return performance.now() - start;
  };
  const contenders = Object.entries(plans).map(([name, plan]) => [name, () => run(plan)] as const);
  const times = await takeTurns(Object.fromEntries(contenders), rounds);
  await session.close();
  const tokens = sum(rows.map((row) => row.tokenIds.length));
  const rates = Object.keys(plans).map((name) => tokens / (median(times.get(name) ?? []) / 1000));
  return Object.entries(plans).map(([name, plan], index) => {
    const padded = sum(plan.map(({ members, length }) => members.length * length));
    const ratio = (rates[index] ?? 0) / (rates[0] ?? 1);
    const padding = `${((1 - tokens / padded) * 100).toFixed(1)} %`;
    return [
      name,
      `${plan.length}`,
      padding,
      (rates[index] ?? 0).toFixed(0),
      `${ratio.toFixed(2)} x`,
    ];
  });
}

function arrival(rows: readonly TeacherRow[], size: number): PlannedBatch[] {
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, batch) => {
    const members = rows.slice(batch * size, (batch + 1) * size);
    return { members, length: Math.max(...members.map((row) => row.tokenIds.length)) };
  });
}
