import type { ProtoAttribute, Protobuf, ProtoNode, ProtoShape } from './runtime.ts';

/** Values of a constant, by element type. */
export type ConstantData = Float32Array | Int32Array | Uint8Array;

/** An attribute of a graph node. */
export type Attribute =
  | { readonly type: number }
  | { readonly shape: readonly number[] }
  | { readonly text: string }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly bool: boolean }
  | {
      readonly constant: {
        readonly type: number;
        readonly shape: readonly number[];
        readonly data: ConstantData;
      };
    };

/** A TensorFlow graph under construction. Outputs of nodes are named `node:0`, control inputs `^node`. */
export class GraphDef {
  readonly #protobuf: Protobuf;
  readonly #nodes: ProtoNode[] = [];

  constructor(protobuf: Protobuf) {
    this.#protobuf = protobuf;
  }

  /** Adds a node and returns its name; without a name it gets the next free number. */
  add(
    operation: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    name = `node${this.#nodes.length}`,
  ): string {
    const node = new this.#protobuf.NodeDef();
    node.setName(name);
    node.setOp(operation);
    node.setInputList([...inputs]);
    const map = node.getAttrMap();
    for (const [key, attribute] of Object.entries(attributes))
      map.set(key, this.#attribute(attribute));
    this.#nodes.push(node);
    return name;
  }

  /** The bytes of a `saved_model.pb` that holds this graph and nothing else. */
  savedModel(): Uint8Array {
    const { GraphDef: Graph, VersionDef, MetaGraphDef, SavedModel } = this.#protobuf;
    const versions = new VersionDef();
    versions.setProducer(GRAPH_PRODUCER);
    const graph = new Graph();
    graph.setNodeList(this.#nodes);
    graph.setVersions(versions);
    const information = new MetaGraphDef.MetaInfoDef();
    information.setTagsList([SERVING_TAG]);
    const meta = new MetaGraphDef();
    meta.setMetaInfoDef(information);
    meta.setGraphDef(graph);
    const model = new SavedModel();
    model.setSavedModelSchemaVersion(1);
    model.setMetaGraphsList([meta]);
    return model.serializeBinary();
  }

  #attribute(attribute: Attribute): ProtoAttribute {
    const proto = new this.#protobuf.AttrValue();
    if ('type' in attribute) proto.setType(attribute.type);
    else if ('shape' in attribute) proto.setShape(this.#shape(attribute.shape));
    // Byte fields of this protobuf library are base64 when given as text.
    else if ('text' in attribute) proto.setS(Buffer.from(attribute.text).toString('base64'));
    else if ('int' in attribute) proto.setI(attribute.int);
    else if ('float' in attribute) proto.setF(attribute.float);
    else if ('bool' in attribute) proto.setB(attribute.bool);
    else if ('ints' in attribute) {
      const list = new this.#protobuf.AttrValue.ListValue();
      list.setIList([...attribute.ints]);
      proto.setList(list);
    } else {
      const tensor = new this.#protobuf.Tensor();
      tensor.setDtype(attribute.constant.type);
      tensor.setTensorShape(this.#shape(attribute.constant.shape));
      tensor.setTensorContent(bytesOf(attribute.constant.data));
      proto.setTensor(tensor);
    }
    return proto;
  }

  #shape(dimensions: readonly number[]): ProtoShape {
    const shape = new this.#protobuf.TensorShape();
    shape.setDimList(
      dimensions.map((size) => {
        const dimension = new this.#protobuf.TensorShape.Dim();
        dimension.setSize(size);
        return dimension;
      }),
    );
    return shape;
  }
}

/** The tag under which the graph is found in the SavedModel. */
export const SERVING_TAG = 'serve';

// A copy: the caller may go on to use its array.
function bytesOf(data: ConstantData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
}

/** GraphDef version of TensorFlow 2.9 and later. */
const GRAPH_PRODUCER = 1000;
