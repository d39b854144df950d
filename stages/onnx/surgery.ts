import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { GraphNodes } from './graph-nodes.ts';
import { type ByteEdit, findLogitsHead } from './logits-head.ts';
import { type RankChange, rankChangeOf } from './logits-rank.ts';
import type { GraphValue, ModelSkim } from './model-skim.ts';
import { graph, graphAppendix } from './wire.ts';

/** What the graph shall yield besides its logits. */
export interface HeadRequest {
  /** Number of best classes to keep; undefined keeps all logits. */
  readonly topK: number | undefined;
  readonly temperatures: readonly number[];
  /** Name of the graph output with the logits; `logits` or else the first output when left out. */
  readonly logits?: string | undefined;
  /** The logits are [batch, sequence, classes], and only the rows that are asked for are answered. */
  readonly perToken?: boolean;
  /** perToken only: the model's nodes, so that what makes the logits may be computed for the asked rows alone. */
  readonly nodes?: GraphNodes | undefined;
  /** Names of tensors whose values are wanted as well. */
  readonly hidden?: readonly string[] | undefined;
}

/** Names to fetch. All values are float32 except the ids, which are int32, and the shape, int64. */
export interface HeadOutputs {
  /** [..., topK] best first; undefined when dense. */
  readonly topLogits: string | undefined;
  readonly topIds: string | undefined;
  /** [..., classCount] as float32, whatever the model's own type. */
  readonly logits: string;
  /** [..., 1] per temperature, over all classes. */
  readonly logSumExp: readonly string[];
  /** [..., 1] per temperature, over the classes outside the top k; empty when dense. */
  readonly tailLogMass: readonly string[];
  /** [..., 1] at T = 1, over all classes. */
  readonly entropyNats: string;
  /** Shape of the logits: the only word about the class count in models that do not declare it. */
  readonly logitsShape: string;
  /** Input for the numbers of the rows that are asked for, among [batch * sequence]; perToken only. */
  readonly asked: string | undefined;
  /** [..., width] each, of the tensors that were asked for. */
  readonly hidden: readonly string[];
}

/** Bytes to append to the model, and what it then yields. */
export interface SoftLabelHead {
  readonly bytes: Uint8Array;
  readonly outputs: HeadOutputs;
  /** What is to be changed in the model's own bytes before they are appended to. */
  readonly edits: readonly ByteEdit[];
  /** The model's own output that was taken for the logits. */
  readonly logits: GraphValue;
}

/** The model cannot be given a soft-label head. */
export class UnsupportedTeacherError extends Failure {
  constructor(reason: string, fix: string) {
    super('model', 'E_TEACHER_UNSUPPORTED', `teacher model: ${reason}`, fix);
  }
}

/**
 * Appends nodes to a model without touching its bytes: protobuf merges repeated embedded messages,
 * so a second `graph` field adds to the first one. Unknown fields and external weights stay as they are.
 */
export function softLabelHead(model: ModelSkim, request: HeadRequest): SoftLabelHead {
  if (model.opset < 11) {
    throw new UnsupportedTeacherError(
      `opset ${model.opset} is older than 11`,
      'export it again with opset 17, or convert it with onnx.version_converter',
    );
  }
  const declared = logitsOf(model, request.logits);
  const change = request.perToken ? undefined : rankChangeOf(declared, model);
  const logits = change === undefined ? declared : { ...declared, shape: change.shape };
  requireRows(logits);
  const leading = request.perToken ? ['asked'] : logits.shape?.slice(0, -1);
  const build = new GraphBuilder(model, leading);
  const { edits, ...scores } = request.perToken
    ? askedScores(build, logits, request)
    : { ...allScores(build, logits, change), edits: [] };
  const hidden = (request.hidden ?? []).map((name, index) =>
    build.output(
      `hidden_${index}`,
      featuresOf(build, requireTensor(model, name), scores.asked),
      '',
    ),
  );
  const parts =
    request.topK === undefined
      ? denseHead(build, scores.logits, request.temperatures)
      : topKHead(build, scores.logits, request.topK, request.temperatures);
  const bytes = graphAppendix(graph(build.parts()));
  return { bytes, edits, outputs: { ...scores, hidden, ...parts }, logits };
}

function allScores(build: GraphBuilder, logits: GraphValue, change: RankChange | undefined) {
  if (change === undefined) {
    const scores = build.float32Output('logits', logits);
    const logitsShape = build.shapeOutput('logits_shape', logits.name);
    return { logits: scores, logitsShape, asked: undefined };
  }
  const changed = build.withRank(logits.name, change);
  const scores = build.output('logits', changed, logits.shape?.at(-1) ?? '');
  const logitsShape = build.shapeOutput('logits_shape', scores);
  return { logits: scores, logitsShape, asked: undefined };
}

/**
 * The logits of the asked rows. Where the model's last step is known to treat each token by itself, it is
 * repeated behind the gather and taken out where it stood: neither padding nor what nobody asks for reaches
 * the product with the vocabulary, which is most of a small language model. The numbers are the same bits.
 */
function askedScores(
  build: GraphBuilder,
  logits: GraphValue,
  { nodes, hidden = [] }: Pick<HeadRequest, 'nodes' | 'hidden'>,
) {
  const asked = build.rowsInput('asked');
  const head = nodes && findLogitsHead(nodes, logits, new Set(hidden));
  let rows = build.rows(head?.hidden ?? logits.name, asked);
  for (const { node, reads } of head?.nodes ?? []) rows = build.again(node, reads, rows);
  return {
    logits: build.output('logits', rows, logits.shape?.at(-1) ?? ''),
    logitsShape: build.shapeOutput(
      'logits_shape',
      head?.hidden ?? logits.name,
      head === undefined ? logits.name : rows,
    ),
    asked,
    edits: head?.edits ?? [],
  };
}

type HeadParts = Omit<HeadOutputs, 'logits' | 'logitsShape' | 'asked' | 'hidden'>;

/**
 * One Exp over all classes, taken relative to the best class OUTSIDE the top k: with
 *   m1 = best logit, m2 = best logit of the tail,
 *   A_T = sum over the top k of exp((z - m1)/T), S_T = sum over the tail of exp((z - m2)/T),
 *   Z_T = A_T + S_T exp((m2 - m1)/T)
 * LSE_T = m1/T + log Z_T, and the log of the tail's mass is (m2 - m1)/T + log S_T - log Z_T. Nothing
 * cancels: a tail of e^-200 is as exact as one of e^-1, where 1 - sum(top k) is noise below e^-13.
 */
function topKHead(
  build: GraphBuilder,
  logits: string,
  topK: number,
  temperatures: readonly number[],
): HeadParts {
  const [best, ids] = build.topK(logits, topK);
  const tail = build.scatter(logits, ids, OUTSIDE);
  const tailHighest = build.highest(tail);
  const tailShifted = build.binary('Sub', tail, tailHighest);
  const tailExps = build.expAtEach(tailShifted, withOne(temperatures));

  // All that is as small as a row or the top k is computed in float64.
  const highest = build.cast(build.highest(best), 'float64');
  const topShifted = build.binary('Sub', build.cast(best, 'float64'), highest);
  const gap = build.binary('Sub', build.cast(tailHighest, 'float64'), highest); // m2 - m1 <= 0
  const at = (temperature: number) => {
    const topExp = build.unary('Exp', build.divide(topShifted, temperature, 'float64'));
    const tailExp = tailExps.get(temperature) ?? '';
    const tailSum = build.sum(tailExp);
    const scaledGap = build.divide(gap, temperature, 'float64');
    const tailScale = build.unary('Exp', scaledGap);
    const scaledTail = build.binary('Mul', tailSum, tailScale);
    const total = build.binary('Add', build.sum(topExp, 'float64'), scaledTail);
    const logTotal = build.unary('Log', total);
    const logTail = build.binary('Add', scaledGap, build.unary('Log', tailSum));
    const tailLogMass = build.binary('Sub', logTail, logTotal);
    const scaledHighest = build.divide(highest, temperature, 'float64');
    const logSumExp = build.binary('Add', scaledHighest, logTotal);
    return { topExp, tailExp, tailSum, tailScale, total, logTotal, logSumExp, tailLogMass };
  };
  const byTemperature = new Map(withOne(temperatures).map((value) => [value, at(value)]));
  const stored = temperatures.flatMap((temperature) => byTemperature.get(temperature) ?? []);

  // H = log Z - E[z - m1], the tail's part being E[(z - m2) + (m2 - m1)].
  const one = at1(byTemperature);
  const topPart = build.sum(build.binary('Mul', one.topExp, topShifted), 'float64');
  const tailSpread = build.sum(build.binary('Mul', one.tailExp, tailShifted));
  const tailOffset = build.binary('Mul', one.tailSum, gap);
  const tailMean = build.binary('Add', tailSpread, tailOffset);
  const tailPart = build.binary('Mul', one.tailScale, tailMean);
  const mean = build.binary('Div', build.binary('Add', topPart, tailPart), one.total);

  const hasNoTail = build.binary('Less', tailHighest, build.constant(OUTSIDE / 10));
  const nothing = build.constant(-Infinity, 'float64');
  return {
    topLogits: build.output('top_logits', best, topK),
    topIds: build.output('top_ids', ids, topK, 'int32'),
    logSumExp: stored.map((part, index) => build.output(`log_sum_exp_${index}`, part.logSumExp, 1)),
    tailLogMass: stored.map(({ tailLogMass }, index) => {
      const value = build.where(hasNoTail, nothing, tailLogMass);
      return build.output(`tail_log_mass_${index}`, value, 1);
    }),
    entropyNats: build.output('entropy', build.binary('Sub', one.logTotal, mean), 1),
  };
}

function denseHead(
  build: GraphBuilder,
  logits: string,
  temperatures: readonly number[],
): HeadParts {
  const highest = build.highest(logits);
  const shifted = build.binary('Sub', logits, highest);
  const exps = build.expAtEach(shifted, withOne(temperatures));
  const totals = new Map([...exps].map(([temperature, exp]) => [temperature, build.sum(exp)]));
  const logTotals = new Map(
    [...totals].map(([temperature, total]) => [temperature, build.unary('Log', total)]),
  );
  const wideHighest = build.cast(highest, 'float64');
  const mean = build.binary('Div', build.sum(build.binary('Mul', at1(exps), shifted)), at1(totals));
  return {
    topLogits: undefined,
    topIds: undefined,
    logSumExp: temperatures.map((temperature, index) => {
      const scaled = build.divide(wideHighest, temperature, 'float64');
      const value = build.binary('Add', scaled, logTotals.get(temperature) ?? '');
      return build.output(`log_sum_exp_${index}`, value, 1);
    }),
    tailLogMass: [],
    entropyNats: build.output('entropy', build.binary('Sub', at1(logTotals), mean), 1),
  };
}

function logitsOf(model: ModelSkim, name: string | undefined): GraphValue {
  const { outputs } = model;
  const names = outputs.map((output) => output.name).join(', ');
  const wanted = outputs.find((output) => output.name === (name ?? 'logits'));
  const logits = wanted ?? (name === undefined ? outputs[0] : undefined);
  if (logits === undefined) {
    throw new UnsupportedTeacherError(
      `it has no output "${name ?? 'logits'}" (outputs: ${names || 'none'})`,
      'name the output with one number a class in teacher.output, or export a model that calls it `logits`',
    );
  }
  return logits;
}

/** A tensor of the graph, whether it leaves it or not. */
function requireTensor({ tensors, outputs }: ModelSkim, name: string): string {
  if (tensors.has(name)) return name;
  const names = outputs.map((output) => output.name);
  throw new UnsupportedTeacherError(
    `it has no tensor "${name}" (outputs: ${names.join(', ')}; ${tensors.size} tensors in all)`,
    `set soft-label.hidden to names of tensors in the graph; ${hintFor(name, [...tensors])}`,
  );
}

/** [batch, width] as it is; of [batch, sequence, width] the first token, or the tokens that are asked for. */
function featuresOf(build: GraphBuilder, name: string, asked: string | undefined): string {
  return asked === undefined ? build.firstOf(name) : build.rows(name, asked);
}

function requireRows({ name, type, shape }: GraphValue): void {
  const isFloating = ['float32', 'float16', 'float64'].includes(type ?? '');
  if (isFloating && (shape === undefined || shape.length > 1)) return;
  throw new UnsupportedTeacherError(
    `output "${name}" is ${type ?? 'of an unknown type'} of rank ${shape?.length ?? '?'}`,
    'name the output with the logits in teacher.output, or export a model whose logits are float32 or float16 of shape [batch, classes]',
  );
}

function at1<T>(values: ReadonlyMap<number, T>): T {
  const value = values.get(1);
  if (value === undefined) throw new RangeError('temperature 1 was not built');
  return value;
}

/** Entropy is told at T = 1, also where 1 is not stored. */
function withOne(temperatures: readonly number[]): number[] {
  return [...new Set([...temperatures, 1])];
}

// Finite on purpose: with -Infinity, 0 * -Infinity would make the entropy NaN.
const OUTSIDE = -1e30;
