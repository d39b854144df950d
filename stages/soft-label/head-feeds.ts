import { tensorOf } from '#stages/onnx/integer-tensor.ts';
import type { SessionTensor } from '#stages/onnx/session.ts';
import type { HeadOutputs, HeadRequest } from '#stages/onnx/surgery.ts';
import { drawPoints } from './draw-labels.ts';
import type { Keep } from './settings.ts';
import { answerCount, type TeacherRow } from './teacher-rows.ts';

/** Numbers of the answered tokens among all of the padded batch; at least two where there is one. */
export function askedRows(rows: readonly TeacherRow[], length: number): Int32Array {
  const count = rows.reduce((sum, row) => sum + answerCount(row), 0);
  const asked = new Int32Array(Math.max(2, count));
  let filled = 0;
  for (const [row, { answers }] of rows.entries()) {
    for (const place of answers?.at ?? []) asked[filled++] = row * length + place;
  }
  return filled < asked.length ? asked.fill(asked[0] ?? 0) : asked;
}

/** The numbers of the asked tokens, where the head wants them. */
export function askedFeed(
  { asked: name }: HeadOutputs,
  asked: Int32Array | undefined,
): Record<string, SessionTensor> {
  if (name === undefined || asked === undefined) return {};
  return { [name]: tensorOf(asked, 'int64', [asked.length]) };
}

/** Where the draws of the rows fall; a repeated row has draws that nobody looks at. */
export function drawsFeed(
  { draws }: HeadOutputs,
  rows: readonly TeacherRow[],
  answers: number,
): Record<string, SessionTensor> {
  if (draws === undefined) return {};
  const { points, count } = draws;
  const data = drawPoints(rows, answers, count);
  return { [points]: { type: 'float64', data, dims: [answers, count] } };
}

/** Draws are made by the graph, so that no logits leave it. */
export function drawsOf({
  mode,
  samples = 0,
  temperatures,
  classCount,
}: Keep): Pick<HeadRequest, 'draws'> {
  const [temperature = 1] = temperatures;
  return mode === 'sampled' ? { draws: { draws: samples, temperature, classCount } } : {};
}
