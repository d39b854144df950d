import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import util from 'node:util';
import type * as Tfjs from '@tensorflow/tfjs-node-gpu';
import type { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js';
import { Failure } from '#cache/failure.ts';

export type {
  Scalar,
  Tensor,
  Tensor1D,
  Tensor2D,
  Tensor4D,
} from '@tensorflow/tfjs-node-gpu';

/** The functions of tfjs, handed on to whoever computes: no other file imports the package. */
export type Tensorflow = typeof Tfjs;

/** The native backend under tfjs; not public, which is why the package's version is pinned exactly. */
export type NativeBackend = NodeJSKernelBackend;

/** The native addon: takes TensorFlow operations and SavedModels by name. */
export type Binding = NodeJSKernelBackend['binding'];

/** The protobuf classes that come with the package; it has no types for them. */
export interface Protobuf {
  readonly AttrValue: (new () => ProtoAttribute) & {
    readonly ListValue: new () => { setIList(values: number[]): void };
  };
  readonly GraphDef: new () => {
    setNodeList(nodes: ProtoNode[]): void;
    setVersions(versions: object): void;
  };
  readonly MetaGraphDef: (new () => {
    setMetaInfoDef(information: object): void;
    setGraphDef(graph: object): void;
  }) & {
    readonly MetaInfoDef: new () => { setTagsList(tags: string[]): void };
  };
  readonly NodeDef: new () => ProtoNode;
  readonly SavedModel: new () => {
    setSavedModelSchemaVersion(version: number): void;
    setMetaGraphsList(graphs: object[]): void;
    serializeBinary(): Uint8Array;
  };
  readonly Tensor: new () => {
    setDtype(type: number): void;
    setTensorShape(shape: ProtoShape): void;
    setTensorContent(bytes: Uint8Array): void;
  };
  readonly TensorShape: (new () => ProtoShape) & {
    readonly Dim: new () => { setSize(size: number): void };
  };
  readonly VersionDef: new () => { setProducer(version: number): void };
}

export interface ProtoShape {
  setDimList(dimensions: object[]): void;
}

export interface ProtoAttribute {
  setType(type: number): void;
  setShape(shape: ProtoShape): void;
  setS(base64: string): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setList(list: object): void;
  setTensor(tensor: object): void;
}

export interface ProtoNode {
  setName(name: string): void;
  setOp(operation: string): void;
  setInputList(inputs: string[]): void;
  getAttrMap(): { set(key: string, attribute: ProtoAttribute): void };
}

/** TensorFlow, and what it runs on. */
export interface Runtime {
  readonly tf: Tensorflow;
  /** Of the native library, such as `2.21.0`. */
  readonly version: string;
  readonly device: 'cpu' | 'gpu';
}

/** TensorFlow's native addon or one of its libraries is not there or does not load. */
export class TensorflowMissingError extends Failure {
  constructor(cause: unknown) {
    super(
      'model',
      'E_TENSORFLOW_MISSING',
      // The lines that follow tell how to compile the addon, which nobody here has to.
      `TensorFlow does not load: ${(cause instanceof Error ? cause.message : String(cause)).split('\n')[0]?.trim()}`,
      'run `npx decant setup`, then `npx decant doctor`',
      { cause },
    );
  }
}

/** The configuration asks for a device that TensorFlow does not offer in this process. */
export class DeviceMissingError extends Failure {
  constructor(asked: 'cpu' | 'cuda', version: string) {
    const message = {
      cpu: `device: cpu, but TensorFlow ${version} is already loaded in this process with a GPU`,
      cuda: `device: cuda, but TensorFlow ${version} finds no GPU it can use`,
    };
    const fix = {
      cpu: 'set CUDA_VISIBLE_DEVICES=-1',
      cuda: 'see `npx decant doctor`, run `npx decant setup --device gpu`, or set device: auto',
    };
    super('usage', 'E_DEVICE_MISSING', message[asked], fix[asked]);
  }
}

interface DeviceOptions {
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** Of several GPUs, counted as CUDA_VISIBLE_DEVICES lists them; TensorFlow takes the first when left out. */
  readonly deviceId?: number | undefined;
  /** Operations are small and go two at a time: each gets half of the cores, where TensorFlow gives it all of them. */
  readonly sideBySide?: boolean;
}

/** Loads TensorFlow into this process. A device that was asked for is there or the call fails. */
export function loadTensorflow(options: DeviceOptions): Runtime {
  prepareEnvironment(options);
  const tf = requireTensorflow();
  const { binding } = nativeBackend(tf);
  const version = binding.TF_Version;
  const device = binding.isUsingGpuDevice() ? 'gpu' : 'cpu';
  if (options.device === 'cuda' && device !== 'gpu') throw new DeviceMissingError('cuda', version);
  if (options.device === 'cpu' && device !== 'cpu') throw new DeviceMissingError('cpu', version);
  return { tf, version, device };
}

/** The backend with the native binding; it is the only one that this runtime ever loads. */
export function nativeBackend(tf: Tensorflow): NativeBackend {
  return tf.backend() as NativeBackend;
}

/** The package's classes of TensorFlow's graph format. */
export function graphProtobuf(): Protobuf {
  return requireHere('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Protobuf;
}

function prepareEnvironment({ device, deviceId, sideBySide }: DeviceOptions): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_FORCE_GPU_ALLOW_GROWTH'] ??= 'true';
  if (device === 'cpu') process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  else if (deviceId !== undefined) {
    const visible = process.env['CUDA_VISIBLE_DEVICES']?.split(',') ?? [];
    process.env['CUDA_VISIBLE_DEVICES'] = visible[deviceId] ?? String(deviceId);
  }
  if (sideBySide === true) {
    process.env['TF_NUM_INTRAOP_THREADS'] ??= String(Math.ceil(availableParallelism() / 2));
  }
  // The package calls two functions that Node 23 removed; replacing them also silences older Nodes.
  Object.assign(util, {
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
    isArray: Array.isArray,
  });
}

function requireTensorflow(): Tensorflow {
  try {
    return requireHere('@tensorflow/tfjs-node-gpu') as Tensorflow;
  } catch (error) {
    throw new TensorflowMissingError(error);
  }
}

// The package is CommonJS and must not load before the environment is prepared.
const requireHere = createRequire(import.meta.url);
