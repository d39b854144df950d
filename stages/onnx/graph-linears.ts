import { type ConstantFolder, transposed } from './constant-folding.ts';
import { type GraphNode, integerAttribute } from './graph-nodes.ts';
import type { Constant } from './stored-constants.ts';

/** x W^T + b somewhere in a graph. */
export interface Linear {
  /** The value x. */
  readonly input: string;
  /** The value with the bias added. */
  readonly output: string;
  /** [out, in], as PyTorch has it. */
  readonly weight: () => Constant | undefined;
  /** [out]; undefined where there is none. */
  readonly bias: (() => Constant | undefined) | undefined;
}

/** Nodes of a graph, who makes and who reads each value. */
export interface GraphParts {
  readonly nodes: readonly GraphNode[];
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly readers: ReadonlyMap<string, readonly GraphNode[]>;
  readonly folder: ConstantFolder;
}

/** Products by a constant matrix, by the node that multiplies. */
export function findLinears(parts: GraphParts): Map<GraphNode, Linear> {
  const found = parts.nodes.flatMap((node): [GraphNode, Linear][] => {
    const linear = linearAt(parts, node);
    return linear === undefined ? [] : [[node, linear]];
  });
  return new Map(found);
}

function linearAt(parts: GraphParts, node: GraphNode): Linear | undefined {
  const { folder } = parts;
  const [input = '', weight = '', bias] = node.inputs;
  const [output = ''] = node.outputs;
  if (node.domain !== '' || folder.isConstant(input) || !folder.isConstant(weight))
    return undefined;
  switch (node.operator) {
    case 'MatMul':
      return withBias(parts, { input, output, weight: turned(folder, weight), bias: undefined });
    case 'Gemm': {
      const isTurned = integerAttribute(node, 'transB', 0) !== 0;
      const own = isTurned ? () => folder.valueOf(weight) : turned(folder, weight);
      if (!bias) return withBias(parts, { input, output, weight: own, bias: undefined });
      return { input, output, weight: own, bias: () => folder.valueOf(bias) };
    }
    case 'MatMulInteger':
      return dynamicallyQuantized(parts, node);
    default:
      return undefined;
  }
}

/** The Add of a constant that alone reads a product. */
function withBias(parts: GraphParts, linear: Linear): Linear {
  const [reader, ...others] = parts.readers.get(linear.output) ?? [];
  if (reader?.operator !== 'Add' || others.length > 0) return linear;
  const bias = reader.inputs.find((name) => parts.folder.isConstant(name));
  if (bias === undefined) return linear;
  return { ...linear, output: reader.outputs[0] ?? '', bias: () => parts.folder.valueOf(bias) };
}

/**
 * ONNX Runtime's dynamic quantisation: DynamicQuantizeLinear(x) -> MatMulInteger by an int8 matrix -> Cast
 * -> Mul by (scale of x * scale of the matrix).
 */
function dynamicallyQuantized(parts: GraphParts, node: GraphNode): Linear | undefined {
  const { folder, producers, readers } = parts;
  const [quantized = '', weight = '', , zero] = node.inputs;
  const input = producers.get(quantized)?.inputs[0];
  const [cast] = readers.get(node.outputs[0] ?? '') ?? [];
  const [rescale] = readers.get(cast?.outputs[0] ?? '') ?? [];
  const scales = rescale?.inputs.find((name) => name !== cast?.outputs[0]);
  const scale = producers.get(scales ?? '')?.inputs.find((name) => folder.isConstant(name));
  if (input === undefined || rescale === undefined || scale === undefined) return undefined;
  const restored = () => {
    const parted = [weight, zero, scale].map((name) => name && folder.valueOf(name));
    const [matrix, zeroPoint, factor] = parted;
    if (!matrix || !factor) return undefined;
    const columns = matrix.shape[1] ?? 1;
    const at = (constant: Constant | undefined | '', column: number, missing: number) =>
      !constant ? missing : (constant.values[constant.values.length === 1 ? 0 : column] ?? missing);
    const values = matrix.values.map((value, place) => {
      const column = place % columns;
      return (value - at(zeroPoint, column, 0)) * at(factor, column, Number.NaN);
    });
    return transposed({ shape: matrix.shape, values });
  };
  const output = rescale.outputs[0] ?? '';
  return withBias(parts, { input, output, weight: restored, bias: undefined });
}

function turned(folder: ConstantFolder, name: string): () => Constant | undefined {
  return () => {
    const value = folder.valueOf(name);
    return value?.shape.length === 2 ? transposed(value) : undefined;
  };
}
