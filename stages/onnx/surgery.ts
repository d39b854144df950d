import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import { type DrawsRequest, drawsHead } from './draws-head.ts';
import { GraphBuilder } from './graph-builder.ts';
import type { GraphNodes } from './graph-nodes.ts';
import { denseHead, topKHead } from './head-arithmetic.ts';
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
  /** Instead of sums and a top k: draws from the classes. */
  readonly draws?: DrawsRequest | undefined;
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
  /** Of a head that draws. */
  readonly draws?: DrawsOutputs;
}

/** What a head that draws is fed, and what it yields. */
export interface DrawsOutputs {
  /** Input [rows, count], float64 in [0, 1): where each draw falls. */
  readonly points: string;
  readonly count: number;
  /** int32 [rows, count]. */
  readonly ids: string;
  /** int32 [rows, 1]: the most probable class, of equals the first. */
  readonly best: string;
  /** [rows, 1]: its probability at T = 1. */
  readonly confidence: string;
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
  const draws = request.draws && { draws: drawsHead(build, scores.logits, request.draws) };
  const bytes = graphAppendix(graph(build.parts()));
  return { bytes, edits, outputs: { ...scores, hidden, ...parts, ...draws }, logits };
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
    logits: build.rowsOutput('logits', rows, logits),
    logitsShape: build.shapeOutput(
      'logits_shape',
      head?.hidden ?? logits.name,
      head === undefined ? logits.name : rows,
    ),
    asked,
    edits: head?.edits ?? [],
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
