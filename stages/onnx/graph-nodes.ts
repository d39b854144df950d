import {
  type ByteSource,
  bytesAsSource,
  dimensionsOf,
  type Field,
  fieldsOf,
  nested,
  textOf,
  withFileSource,
} from './wire-reader.ts';

/** One operation of a model as its file has it. */
export interface GraphNode {
  readonly operator: string;
  /** `''` for ONNX's own operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The bytes of each attribute, as they are. */
  readonly attributes: readonly Uint8Array[];
  /** Position in the file of the byte that makes the field a node. */
  readonly tagOffset: number;
}

/** Nodes and constants of a model, without the numbers of the constants. */
export interface GraphNodes {
  readonly nodes: readonly GraphNode[];
  /** Shape of each constant. */
  readonly constants: ReadonlyMap<string, readonly number[]>;
  /** Position in the file of the byte that makes the field an output, by name. */
  readonly outputTags: ReadonlyMap<string, number>;
  /** Values that bodies of If, Loop and Scan name, their own ones among them. */
  readonly namedInBodies: ReadonlySet<string>;
}

/** Reads the nodes of a model file, or of a model in memory; weights are passed over. */
export function readGraphNodes(model: string | Uint8Array): GraphNodes {
  return typeof model === 'string' ? withFileSource(model, nodesIn) : nodesIn(bytesAsSource(model));
}

/** An integer attribute of a node; `missing` where the node does not have it. */
export function integerAttribute(
  { attributes }: Pick<GraphNode, 'attributes'>,
  name: string,
  missing: number,
): number {
  for (const bytes of attributes) {
    const source = bytesAsSource(bytes);
    const fields = [...fieldsOf(source, 0, source.size)];
    const isNamed = fields.some((field) => field.number === 1 && textOf(source, field) === name);
    if (!isNamed) continue;
    const value = fields.find((field) => field.number === ATTRIBUTE_INTEGER)?.value;
    return value === undefined ? missing : Number(BigInt.asIntN(64, value));
  }
  return missing;
}

function nodesIn(source: ByteSource): GraphNodes {
  const nodes: GraphNode[] = [];
  const constants = new Map<string, readonly number[]>();
  const outputTags = new Map<string, number>();
  const namedInBodies = new Set<string>();
  for (const field of fieldsOf(source, 0, source.size)) {
    if (field.number !== MODEL_GRAPH) continue;
    let tagOffset = field.offset;
    for (const part of nested(source, field)) {
      if (part.number === GRAPH_NODE) {
        nodes.push({ ...nodeIn(source, part), tagOffset });
        for (const name of namesInBodies(source, part)) namedInBodies.add(name);
      } else if (part.number === GRAPH_INITIALIZER) {
        const { name, shape } = constantIn(source, part);
        constants.set(name, shape);
      } else if (part.number === GRAPH_OUTPUT) {
        outputTags.set(nameOf(source, part), tagOffset);
      }
      tagOffset = part.offset + part.length;
    }
  }
  return { nodes, constants, outputTags, namedInBodies };
}

function nodeIn(source: ByteSource, field: Field): Omit<GraphNode, 'tagOffset'> {
  const node = { operator: '', domain: '', inputs: [] as string[], outputs: [] as string[] };
  const attributes: Uint8Array[] = [];
  for (const part of nested(source, field)) {
    if (part.number === 1) node.inputs.push(textOf(source, part));
    else if (part.number === 2) node.outputs.push(textOf(source, part));
    else if (part.number === 4) node.operator = textOf(source, part);
    else if (part.number === NODE_ATTRIBUTE) {
      attributes.push(source.read(part.offset, part.length).slice());
    } else if (part.number === 7) node.domain = textOf(source, part);
  }
  return { ...node, domain: node.domain === 'ai.onnx' ? '' : node.domain, attributes };
}

/** Whatever the nodes inside the attributes of a node name: a body may read values of the graph around it. */
function* namesInBodies(source: ByteSource, node: Field): Generator<string> {
  for (const attribute of nested(source, node)) {
    if (attribute.number !== NODE_ATTRIBUTE) continue;
    for (const body of nested(source, attribute)) {
      if (body.number !== ATTRIBUTE_GRAPH && body.number !== ATTRIBUTE_GRAPHS) continue;
      for (const part of nested(source, body)) {
        if (part.number === GRAPH_OUTPUT) yield nameOf(source, part);
        if (part.number !== GRAPH_NODE) continue;
        yield* nodeIn(source, part).inputs;
        yield* namesInBodies(source, part);
      }
    }
  }
}

/** Name and shape of a constant; its numbers are passed over. */
export function constantIn(source: ByteSource, field: Field): { name: string; shape: number[] } {
  const shape: number[] = [];
  let name = '';
  for (const part of nested(source, field)) {
    if (part.number === 1) shape.push(...dimensionsOf(source, part));
    if (part.number === 8) name = textOf(source, part);
  }
  return { name, shape };
}

function nameOf(source: ByteSource, value: Field): string {
  for (const part of nested(source, value)) if (part.number === 1) return textOf(source, part);
  return '';
}

const MODEL_GRAPH = 7;
const GRAPH_NODE = 1;
const GRAPH_INITIALIZER = 5;
const GRAPH_OUTPUT = 12;
const NODE_ATTRIBUTE = 5;
const ATTRIBUTE_INTEGER = 3;
const ATTRIBUTE_GRAPH = 6;
const ATTRIBUTE_GRAPHS = 11;
