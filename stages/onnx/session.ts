import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import type * as OnnxRuntime from 'onnxruntime-node';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Failure } from '#cache/failure.ts';
import { CudaUnavailableError, diagnoseCuda, prepareCuda } from './cuda-provider.ts';
import type { ByteEdit } from './logits-head.ts';
import type { Dimension } from './wire.ts';

/** Where a model runs. `auto` takes CUDA when it works; `cuda` never falls back. */
export type Device = 'auto' | 'cpu' | 'cuda';

/** Values with their element type, as they enter or leave a session. */
export type SessionTensor =
  | { readonly type: 'float32'; readonly data: Float32Array; readonly dims: readonly number[] }
  | { readonly type: 'int32'; readonly data: Int32Array; readonly dims: readonly number[] }
  | { readonly type: 'int64'; readonly data: BigInt64Array; readonly dims: readonly number[] }
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
  /** Threads inside an operator; all cores when left out. */
  readonly threads?: number | undefined;
  /** Where weights over 2 GiB lie; the folder of the model file when left out. */
  readonly externalDataFolder?: string | undefined;
  /** Bytes added behind the model's own: see `softLabelHead`. */
  readonly appendix?: Uint8Array | undefined;
  /** Bytes of the model that are replaced in memory: see `findLogitsHead`. */
  readonly edits?: readonly ByteEdit[] | undefined;
}

/** A loaded model. `run` blocks its thread while the model computes. */
export interface OnnxSession {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly provider: 'cpu' | 'cuda';
  /** Why `auto` did not take CUDA; undefined where it was not asked or works. */
  readonly withoutCuda: string | undefined;
  readonly runtimeVersion: string;
  /** All outputs, or those named in `fetches`. */
  run(
    feeds: Readonly<Record<string, SessionTensor>>,
    fetches?: readonly string[],
  ): Promise<Record<string, SessionTensor>>;
  close(): Promise<void>;
}

/** ONNX Runtime refuses the model. */
export class ModelRefusedError extends Failure {
  constructor(model: string, cause: unknown) {
    super(
      'model',
      'E_MODEL_REFUSED',
      `${model}: ONNX Runtime cannot load it: ${messageOf(cause)}`,
      'check that the file is whole, that its external data lies beside it as real files (not links), and that it loads in Python',
      { cause },
    );
  }
}

/** ONNX Runtime loaded the model, and then could not compute. */
export class ModelRunError extends Failure {
  constructor(cause: unknown) {
    super(
      'model',
      'E_MODEL_RUN',
      `the model failed while it ran: ${messageOf(cause)}`,
      /out of data bounds|indices element/.test(messageOf(cause))
        ? 'a token or position is not in its embedding: use the tokenizer.json of this very model, and check maxLength against the number of positions it knows'
        : 'if memory ran out, lower tokenBudget; otherwise check maxLength against the number of positions the model knows',
      { cause },
    );
  }
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
  const bytes = await modelBytes(model, options);
  const externalDataFolder =
    options.externalDataFolder ?? (typeof model === 'string' ? dirname(model) : undefined);
  const { session, provider, withoutCuda } = await createOnDevice(options.device, (provider) =>
    ort.InferenceSession.create(bytes, {
      executionProviders: provider === 'cuda' ? [{ name: 'cuda', deviceId: 0 }] : ['cpu'],
      intraOpNumThreads: options.threads ?? availableParallelism(),
      logSeverityLevel: 3,
      ...externalData(externalDataFolder),
    }),
  ).catch((cause: unknown) => {
    throw cause instanceof Failure ? cause : new ModelRefusedError(name, cause);
  });
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
          throw new ModelRunError(cause);
        });
      return Object.fromEntries(
        Object.entries(results).map(([key, tensor]) => [key, sessionTensorOf(tensor)]),
      );
    },
    close: () => session.release(),
  };
}

/** A float32 result; throws where the model gives something else. */
export function float32Of(results: Readonly<Record<string, SessionTensor>>, name: string) {
  const result = results[name];
  if (result?.type === 'float32') return result.data;
  throw new SessionOutputError(name, 'float32', describe(result));
}

/** An int32 result; throws where the model gives something else. */
export function int32Of(results: Readonly<Record<string, SessionTensor>>, name: string) {
  const result = results[name];
  if (result?.type === 'int32') return result.data;
  throw new SessionOutputError(name, 'int32', describe(result));
}

type Runtime = typeof OnnxRuntime;

/** Loaded on demand: a process that only plans must not carry the native library. */
async function loadRuntime(): Promise<Runtime> {
  return import('onnxruntime-node');
}

async function modelBytes(
  model: string | Uint8Array,
  { appendix, edits = [] }: SessionOptions,
): Promise<Uint8Array> {
  const own = typeof model === 'string' ? await readFile(model) : model;
  if (appendix === undefined && edits.length === 0) return own;
  const bytes = Buffer.concat([own, appendix ?? new Uint8Array()]);
  for (const { offset, value } of edits) bytes[offset] = value;
  return bytes;
}

function externalData(folder: string | undefined): Pick<InferenceSession.SessionOptions, 'extra'> {
  if (folder === undefined) return {};
  return { extra: { session: { model_external_initializers_file_folder_path: resolve(folder) } } };
}

interface Placed {
  readonly session: InferenceSession;
  readonly provider: 'cpu' | 'cuda';
  readonly withoutCuda: string | undefined;
}

async function createOnDevice(
  device: Device,
  create: (provider: 'cpu' | 'cuda') => Promise<InferenceSession>,
): Promise<Placed> {
  const onCpu = async (withoutCuda?: string): Promise<Placed> => ({
    session: await create('cpu'),
    provider: 'cpu',
    withoutCuda,
  });
  if (device === 'cpu') return onCpu();
  try {
    const missing = prepareCuda();
    if (missing !== undefined) throw new CudaUnavailableError(missing);
    const session = await create('cuda').catch((cause: unknown) => {
      const reason = diagnoseCuda(messageOf(cause));
      throw reason === undefined ? cause : new CudaUnavailableError(reason);
    });
    return { session, provider: 'cuda', withoutCuda: undefined };
  } catch (error) {
    if (device === 'cuda' || !(error instanceof CudaUnavailableError)) throw error;
    return onCpu(error.reason);
  }
}

function sessionValueOf(value: InferenceSession.ValueMetadata): SessionValue {
  if (!value.isTensor) return { name: value.name, type: 'no tensor', shape: [] };
  return { name: value.name, type: value.type, shape: value.shape };
}

function ortTensorOf(ort: Runtime, tensor: SessionTensor): Tensor {
  switch (tensor.type) {
    case 'float32':
      return new ort.Tensor('float32', tensor.data, tensor.dims);
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
  if (data instanceof Int32Array) return { type: 'int32', data, dims };
  if (data instanceof BigInt64Array) return { type: 'int64', data, dims };
  return { type: 'other', name: type, dims };
}

function describe(result: SessionTensor | undefined): string {
  if (result === undefined) return 'missing';
  return result.type === 'other' ? result.name : result.type;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
