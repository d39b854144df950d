import { Failure } from '#cache/failure.ts';
import { type Census, describeCounts } from '#stages/onnx/census.ts';
import type { StageEvent } from '#stages/stage.ts';
import type { PlannedBatch } from './largest-batch.ts';
import { statedPeak } from './peak-memory.ts';
import type { SoftLabelConfig } from './settings.ts';
import type { ModelTeacher } from './teacher.ts';
import { answerCount, type TeacherRow } from './teacher-rows.ts';

/** `strict` was asked for, and a part of the graph computes on the CPU. */
export class SplitGraphError extends Failure {
  constructor({ nodes, workOnCpu, shapesOnCpu }: Census) {
    const shapes = describeCounts(shapesOnCpu);
    super(
      'model',
      'E_TEACHER_SPLIT',
      `strict: the teacher's graph runs in parts (nodes: ${describeCounts(nodes)}); on the CPU compute ${describeCounts(workOnCpu)}${shapes === '' ? '' : `; shapes are reckoned there by ${shapes}, which is usual`}`,
      'export it with an opset and operators that the CUDA provider knows (opset 17, float16 or float32), or set strict: false',
    );
  }
}

/**
 * Before the first batch: a few rows of the largest one are run and forgotten, to say where the nodes of
 * the graph run and how much memory the pass will need.
 */
export async function* takeCensus(
  teacher: ModelTeacher,
  batch: PlannedBatch,
  { strict = false }: Pick<SoftLabelConfig, 'strict'>,
): AsyncGenerator<StageEvent, void, void> {
  const probed = usualRows(batch.rows);
  const census = await teacher.probe(probed, batch.length);
  const nodes = describeCounts(census.nodes);
  yield { type: 'environment', name: 'nodes', value: nodes };
  yield { type: 'note', message: `nodes: ${nodes}${describeSplit(census)}` };
  if (strict !== false) refuseSplit(census);
  const { peakBytes, arenaBytes } = statedPeak(census, teacher.provider, {
    rows: batch.rows.length,
    probedRows: teacher.shape.fixedRows ?? PROBED_ROWS,
  });
  const size = `${batch.rows.length} rows of ${batch.length} tokens`;
  const share = `${inMegabytes(arenaBytes)} for the largest batch (${size})`;
  const message =
    teacher.provider === 'cuda'
      ? `memory: about ${inMegabytes(peakBytes)}, and on the GPU the weights and ${share}`
      : `memory: about ${inMegabytes(peakBytes)} at most, with ${share}`;
  yield { type: 'note', message };
}

/** Rows with as many answers as the batch has on average: what a row needs grows with them. */
function usualRows(rows: readonly TeacherRow[]): TeacherRow[] {
  const mean = rows.reduce((sum, row) => sum + answerCount(row), 0) / rows.length;
  const distance = (row: TeacherRow) => Math.abs(answerCount(row) - mean);
  return rows.toSorted((a, b) => distance(a) - distance(b)).slice(0, PROBED_ROWS);
}

/** Throws where a part that computes runs on the CPU; a graph that is on one provider is not split. */
export function refuseSplit(census: Census): void {
  if (Object.keys(census.workOnCpu).length > 0) throw new SplitGraphError(census);
}

function describeSplit({ workOnCpu, shapesOnCpu }: Census): string {
  const parts = [
    ['compute', workOnCpu],
    ['reckon with shapes', shapesOnCpu],
  ] as const;
  const told = parts.flatMap(([what, counts]) =>
    Object.keys(counts).length === 0 ? [] : [`${what}: ${describeCounts(counts)}`],
  );
  return told.length === 0 ? '' : ` (on the CPU ${told.join('; ')})`;
}

function inMegabytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`;
}

/** A lone row would be fed twice anyway. */
const PROBED_ROWS = 2;
