import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type * as OnnxRuntime from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Failure } from '#cache/failure.ts';
import { type Census, censusOf } from './census.ts';
import { floatOfHalf } from './half-floats.ts';
import type { ByteEdit } from './logits-head.ts';
import { modelBytes } from './model-bytes.ts';
import { type Device, onDevice, type Provider } from './placement.ts';
import { openProfile } from './profile.ts';
import { ModelRefusedError, missingRuntime, runFailureOf } from './session-errors.ts';
import type { Dimension } from './wire.ts';

/** Values with their element type, as they enter or leave a session. */
export type SessionTensor =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  /** Bits of IEEE half floats. */
  | { readonly type: 'float16'; readonly data: Uint16Array; readonly dims: readonly number[] }
  | { readonly type: 'float64'; readonly data: Float64Array; readonly dims: readonly number[] }
  | { readonly type: 'int32'; readonly data: Int32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }
  | { readonly type: 'bool'; readonly data: Uint8Array; readonly dims: readonly number[] }
  | { readonly type: 'other'; readonly name: string; readonly dims: readonly number[] };

/** An input or output as ONNX Runtime sees it. */
export interface SessionValue {
  readonly name: string;
  /** ONNX Runtime's name of the element type: `int64`, `float32`, `float16`, ... */
  readonly type: string;
  /** A number, or the name of a dynamic axis. */
  readonly shape: readonly Dimension[];
}

export interface SessionOptions {
  readonly device: Device;
  /** Which of several GPUs; the first when left out. */
  readonly deviceId?: number | undefined;
  /** Threads inside an operator; all cores when left out. */
  readonly threads?: number | undefined;
  /** Where weights over 2 GiB lie; the folder of the model file when left out. */
  readonly externalDataFolder?: string | undefined;
  /** Bytes added behind the model's own: see `softLabelHead`. */
  readonly appendix?: Uint8Array | undefined;
  /** Bytes of the model that are replaced in memory: see `findLogitsHead`. */
  readonly edits?: readonly ByteEdit[] | undefined;
  /** Watch the first runs, for `census`. */
  readonly census?: boolean | undefined;
  /** On CUDA: let ONNX Runtime refuse a graph of which any node would run on the CPU. */
  readonly everyNodeOnDevice?: boolean | undefined;
}

/** A loaded model. `run` blocks its thread while the model computes. */
export interface OnnxSession {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly provider: Provider;
  /** Why `auto` did not take CUDA; undefined where it was not asked or works. */
  readonly withoutCuda: string | undefined;
  readonly runtimeVersion: string;
  /** All outputs, or those named in `fetches`. */
  run(
    feeds: Readonly<Record<string, SessionTensor>>,
    fetches?: readonly string[],
  ): Promise<Record<string, SessionTensor>>;
  /** Milliseconds that all runs so far took, and how many they were; of a session in a thread of its own. */
  readonly busy?: () => { readonly ms: number; readonly batches: number };
  /** Where the nodes of the runs so far ran. Ends the watching; only of a session opened for it. */
  census(): Promise<Census>;
  close(): Promise<void>;
}

/** A session has no such output, or one of another type. */
export class SessionOutputError extends Failure {
  constructor(name: string, expected: string, found: string) {
    super(
      'model',
      'E_MODEL_OUTPUT',
      `output "${name}" is ${found}, expected ${expected}`,
      'export the model with float32 logits',
    );
  }
}

/** Loads a model, from a file or from bytes, on the device asked for. */
export async function openSession(
  model: string | Uint8Array,
  options: SessionOptions,
): Promise<OnnxSession> {
  const ort = await loadRuntime();
  const name = typeof model === 'string' ? model : 'model in memory';
  const bytes = await modelBytes(model, options.appendix);
  for (const { offset, value } of options.edits ?? []) bytes[offset] = value;
  const externalDataFolder =
    options.externalDataFolder ?? (typeof model === 'string' ? dirname(model) : undefined);
  const profile = options.census === true ? await openProfile() : undefined;
  const placed = await onDevice(options.device, (provider) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: providersFor(provider, options),
      intraOpNumThreads: options.threads ?? availableParallelism(),
      logSeverityLevel: 3,
      ...profile?.settings,
      ...extraSettings(provider, options, externalDataFolder),
    }),
  ).catch(async (cause: unknown) => {
    await profile?.remove();
    throw cause instanceof Failure ? cause : new ModelRefusedError(name, cause);
  });
  const { made: session, provider, withoutCuda } = placed;
  return {
    inputs: session.inputMetadata.map(sessionValueOf),
    outputs: session.outputMetadata.map(sessionValueOf),
    provider,
    withoutCuda,
    runtimeVersion: ort.env.versions.node ?? 'unknown',
    async run(feeds, fetches) {
      const entries = Object.entries(feeds).map(
        ([key, tensor]) => [key, ortTensorOf(ort, tensor)] as const,
      );
      const results = await session
        .run(Object.fromEntries(entries), fetches ?? session.outputNames)
        .catch((cause: unknown) => {
          throw runFailureOf(cause);
        });
      return Object.fromEntries(
        Object.entries(results).map(([key, tensor]) => [key, sessionTensorOf(tensor)]),
      );
    },
    async census() {
      if (profile === undefined) throw new Error('the session was not opened for a census');
      session.endProfiling();
      return censusOf(await profile.read());
    },
    async close() {
      await session.release();
      await profile?.remove();
    },
  };
}

/** A float32 result, or a float16 or float64 one as float32; throws where the model gives something else. */
export function float32Of(results: Readonly<Record<string, SessionTensor>>, name: string) {
  const result = results[name];
  if (result?.type === 'float32') return result.data;
  if (result?.type === 'float16') return Float32Array.from(result.data, floatOfHalf);
  if (result?.type === 'float64') return Float32Array.from(result.data);
  throw new SessionOutputError(name, 'float32', describe(result));
}

/** An int32 result; throws where the model gives something else. */
export function int32Of(results: Readonly<Record<string, SessionTensor>>, name: string) {
  const result = results[name];
  if (result?.type === 'int32') return result.data;
  throw new SessionOutputError(name, 'int32', describe(result));
}

type Runtime = typeof OnnxRuntime;

/**
 * Loaded on demand: a process that only plans must not carry the native library. From Node 24 on there is
 * a Float16Array, which the binding of 1.30 takes and then reads nothing from; the package looks for that
 * class once, at its first tensor, and goes on with the bits where it finds none.
 */
async function loadRuntime(): Promise<Runtime> {
  const halfFloats = Object.getOwnPropertyDescriptor(globalThis, 'Float16Array');
  Reflect.deleteProperty(globalThis, 'Float16Array');
  try {
    const ort = await import('onnxruntime-node').catch(missingRuntime);
    new ort.Tensor('float32', new Float32Array(1), [1]).dispose();
    return ort;
  } finally {
    if (halfFloats !== undefined) Object.defineProperty(globalThis, 'Float16Array', halfFloats);
  }
}

function providersFor(
  provider: Provider,
  { deviceId = 0 }: SessionOptions,
): InferenceSession.ExecutionProviderConfig[] {
  return provider === 'cuda' ? [{ name: 'cuda', deviceId }] : ['cpu'];
}

function extraSettings(
  provider: Provider,
  { everyNodeOnDevice }: SessionOptions,
  externalDataFolder: string | undefined,
): Pick<InferenceSession.SessionOptions, 'extra'> {
  const session = {
    ...(externalDataFolder !== undefined && {
      model_external_initializers_file_folder_path: resolve(externalDataFolder),
    }),
    ...(provider === 'cuda' && everyNodeOnDevice && { disable_cpu_ep_fallback: '1' }),
  };
  return { extra: { session } };
}

function sessionValueOf(value: InferenceSession.ValueMetadata): SessionValue {
  if (!value.isTensor) return { name: value.name, type: 'no tensor', shape: [] };
  return { name: value.name, type: value.type, shape: value.shape };
}

function ortTensorOf(ort: Runtime, tensor: SessionTensor): Tensor {
  switch (tensor.type) {
    case 'float32':
      return new ort.Tensor('float32', tensor.data, tensor.dims);
    case 'float64':
      return new ort.Tensor('float64', tensor.data, tensor.dims);
    case 'float16':
      return new ort.Tensor('float16', tensor.data, tensor.dims);
    case 'bool':
      return new ort.Tensor('bool', tensor.data, tensor.dims);
    case 'int32':
      return new ort.Tensor('int32', tensor.data, tensor.dims);
    case 'int64':
      return new ort.Tensor('int64', tensor.data, tensor.dims);
    case 'other':
      throw new TypeError(`tensors of type ${tensor.name} cannot be fed`);
    default:
      return tensor satisfies never;
  }
}

function sessionTensorOf(tensor: Tensor): SessionTensor {
  const { data, dims, type } = tensor;
  if (data instanceof Float32Array) return { type: 'float32', data, dims };
  if (data instanceof Float64Array) return { type: 'float64', data, dims };
  if (data instanceof Int32Array) return { type: 'int32', data, dims };
  if (data instanceof Uint16Array && type === 'float16') return { type, data, dims };
  if (data instanceof BigInt64Array) return { type: 'int64', data, dims };
  return { type: 'other', name: type, dims };
}

function describe(result: SessionTensor | undefined): string {
  if (result === undefined) return 'missing';
  return result.type === 'other' ? result.name : result.type;
}
