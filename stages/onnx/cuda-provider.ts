import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';

/** CUDA was asked for and cannot be had. The reason names the file, library or driver that is missing. */
export class CudaUnavailableError extends Failure {
  readonly reason: string;

  constructor(reason: string) {
    super(
      'usage',
      'E_CUDA_UNAVAILABLE',
      `device: cuda, but ${reason}`,
      'run `npx decant doctor` to see what is there and what is missing, or set device: cpu',
    );
    this.reason = reason;
  }
}

/** Where CUDA is looked for. */
export interface CudaPlaces {
  /** Holds the provider files of ONNX Runtime. */
  readonly providerFolder: string;
  /** A library of the NVIDIA driver, found by the system. */
  readonly driver: string;
  /** CUDA libraries that the set-up fetched, dependencies first. */
  readonly preload: readonly string[];
}

/**
 * Makes the CUDA libraries known to this process. Returns what is missing, or undefined when a session
 * may be tried. ONNX Runtime itself says only "Failed to load shared library", whatever is missing.
 */
export function prepareCuda(places: CudaPlaces = installedPlaces()): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return `ONNX Runtime has no CUDA provider for ${process.platform} ${process.arch}`;
  }
  const { providerFolder, driver, preload } = places;
  const absent = PROVIDER_FILES.find((file) => !existsSync(join(providerFolder, file)));
  if (absent !== undefined) return `the provider file ${absent} of ONNX Runtime is not installed`;
  if (openLibrary(driver) !== undefined) return `there is no NVIDIA driver (${driver})`;
  const [problem] = preload.flatMap((path) => openLibrary(path) ?? []);
  return problem && `a CUDA library cannot be loaded: ${problem}`;
}

/** What a failed attempt was about in words, or undefined when CUDA was not the problem. */
export function diagnoseCuda(
  message: string,
  places: CudaPlaces = installedPlaces(),
): string | undefined {
  const failure = /CUDA failure[^;]*/.exec(message)?.[0];
  if (failure !== undefined) return `the driver refused: ${failure.trim()}`;
  if (!message.includes('ExecutionProvider_Cuda') && !message.includes('no available backend')) {
    return undefined;
  }
  const missing = missingLibraries(places);
  return missing.length > 0
    ? `these libraries are missing: ${missing.join(', ')}`
    : `the CUDA provider cannot be loaded: ${message}`;
}

/** Libraries that the provider needs and neither the system nor our preload list has. */
function missingLibraries({ providerFolder, preload }: CudaPlaces): string[] {
  const found = new Set(preload.map((path) => basename(path)));
  const { stdout } = spawnSync('ldd', [join(providerFolder, PROVIDER_FILES[1])], {
    encoding: 'utf8',
  });
  const names = [...(stdout ?? '').matchAll(/^\s*(\S+) => not found/gm)].map(([, name]) => name);
  return names.flatMap((name) => (name === undefined || found.has(name) ? [] : [name]));
}

/**
 * Opens a shared library and keeps it. Never RTLD_GLOBAL: TensorFlow and ONNX Runtime bring libraries
 * of the same names and other versions. Returns the loader's complaint, or undefined.
 */
function openLibrary(path: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, path, constants.dlopen.RTLD_LAZY | RTLD_NODELETE);
    return undefined;
  } catch (error) {
    // Node wants an addon; by the time it says that this is none, the library has been loaded.
    const message = error instanceof Error ? error.message : String(error);
    return message.includes('self-register') ? undefined : message;
  }
}

function installedPlaces(): CudaPlaces {
  const providerFolder = join(packageFolder(), 'bin', 'napi-v6', 'linux', 'x64');
  return { providerFolder, driver: DRIVER, preload: preloadList() };
}

/** What the set-up wrote down: dependencies first. */
function preloadList(): readonly string[] {
  const file = join(packageFolder(), '..', '.native-setup.json');
  if (!existsSync(file)) return [];
  return nativeSetup.parse(JSON.parse(readFileSync(file, 'utf8'))).ortPreload ?? [];
}

function packageFolder(): string {
  return dirname(dirname(createRequire(import.meta.url).resolve('onnxruntime-node')));
}

const nativeSetup = z.object({ ortPreload: z.array(z.string()).optional() });

const PROVIDER_FILES = [
  'libonnxruntime_providers_shared.so',
  'libonnxruntime_providers_cuda.so',
] as const;

const DRIVER = 'libcuda.so.1';

// From dlfcn.h; Node closes what is no addon, and this keeps it open.
const RTLD_NODELETE = 0x1000;
