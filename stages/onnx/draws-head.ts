import type { GraphBuilder } from './graph-builder.ts';
import type { DrawsOutputs } from './surgery.ts';

/** How often, and from what, a row is drawn. */
export interface DrawsRequest {
  readonly draws: number;
  readonly temperature: number;
  readonly classCount: number;
}

/**
 * Independent draws from softmax(logits / T) by inversion, inside the graph: a draw is the first class whose
 * running sum of weights exceeds point x total, with points in [0, 1) that are fed. So a row of 50 draws
 * leaves as 50 ids and never as its logits. The classes lie in about sqrt(C) blocks; the running sum is looked
 * up among the ends of the blocks and then inside one, which takes 2 draws x sqrt(C) comparisons instead of
 * draws x C. All of it is float64, as `drawClasses` is.
 */
export function drawsHead(
  build: GraphBuilder,
  logits: string,
  { draws, temperature, classCount }: DrawsRequest,
): DrawsOutputs {
  const size = Math.ceil(Math.sqrt(classCount));
  const blocks = Math.ceil(classCount / size);
  const points = build.float64Input('points', draws);
  const highest = build.cast(build.highest(logits), 'float64');
  const shifted = build.binary('Sub', build.cast(logits, 'float64'), highest);
  const weights = build.unary('Exp', build.divide(shifted, temperature, 'float64'));
  const padding = build.integers('padding', [0, 0, 0, blocks * size - classCount]);
  const padded = build.add('Pad', [weights, padding, build.constant(0, 'float64')]);
  const inBlocks = reshaped(build, padded, [-1, blocks, size]);
  const sums = reshaped(build, build.sum(inBlocks, 'float64'), [-1, blocks]);
  const ends = runningSum(build, sums, 1);
  const total = build.add('Gather', [ends, build.integers('last', [blocks - 1])], ALONG_ROWS);
  const targets = build.binary('Mul', points, total);
  const block = countReached(build, reshaped(build, ends, [-1, 1, blocks]), targets, {
    draws,
    most: blocks - 1,
  });
  const starts = runningSum(build, sums, 1, { exclusive: { int: 1 } });
  const start = build.add('GatherElements', [starts, block], ALONG_ROWS);
  // The row of [rows * blocks, size] in which each draw lies.
  const rowCount = build.axes(points, 0, 1);
  const zero = build.scalar('zero', 0);
  const numbers = build.add('Range', [
    zero,
    build.add('Squeeze', [rowCount]),
    build.scalar('one', 1),
  ]);
  const before = build.binary(
    'Mul',
    reshaped(build, numbers, [-1, 1]),
    build.integers('blocks', [blocks]),
  );
  const place = build.binary('Add', before, block);
  const flat = reshaped(build, inBlocks, [-1, size]);
  const inside = runningSum(build, build.add('Gather', [flat, place], { axis: { int: 0 } }), 2);
  const within = countReached(build, inside, build.binary('Sub', targets, start), {
    draws,
    most: size - 1,
  });
  const base = build.binary('Mul', block, build.integers('size', [size]));
  const ids = build.add('Min', [
    build.cast(build.binary('Add', base, within), 'float64'),
    build.constant(classCount - 1, 'float64'),
  ]);
  const [, best] = build.topK(logits, 1);
  // exp(z - m) is 1 at the best class.
  const sum = build.sum(build.unary('Exp', shifted), 'float64');
  const confidence = build.binary('Div', build.constant(1, 'float64'), sum);
  return {
    points,
    count: draws,
    ids: build.output('draw_ids', ids, draws, 'int32'),
    best: build.output('best_id', best, 1, 'int32'),
    confidence: build.output('confidence', confidence, 1),
  };
}

/** How many of the ascending ends [rows, 1 or draws, n] each target [rows, draws] has reached, at most `most`. */
function countReached(
  build: GraphBuilder,
  ends: string,
  targets: string,
  { draws, most }: { readonly draws: number; readonly most: number },
): string {
  const isBelow = build.binary('Less', reshaped(build, targets, [-1, draws, 1]), ends);
  const reached = build.cast(build.add('Not', [isBelow]), 'float64');
  const count = reshaped(build, build.sum(reached, 'float64'), [-1, draws]);
  return build.cast(build.add('Min', [count, build.constant(most, 'float64')]), 'int64');
}

function runningSum(
  build: GraphBuilder,
  value: string,
  axis: number,
  attributes: Parameters<GraphBuilder['add']>[2] = {},
): string {
  return build.add('CumSum', [value, build.scalar(`axis_${axis}`, axis)], attributes);
}

function reshaped(build: GraphBuilder, value: string, shape: readonly number[]): string {
  return build.add('Reshape', [value, build.integers(`shape_${shape.join('_')}`, shape)]);
}

const ALONG_ROWS = { axis: { int: 1 } };
