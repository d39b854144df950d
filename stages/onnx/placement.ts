import { CudaUnavailableError, diagnoseCuda, prepareCuda } from './cuda-provider.ts';
import { messageOf } from './session-errors.ts';

/** Where a model runs. `auto` takes CUDA when it works; `cuda` never falls back. */
export type Device = 'auto' | 'cpu' | 'cuda';

export type Provider = 'cpu' | 'cuda';

/** A session, or whatever else was made, and where. */
export interface Placed<Made> {
  readonly made: Made;
  readonly provider: Provider;
  /** Why `auto` did not take CUDA; undefined where it was not asked or works. */
  readonly withoutCuda: string | undefined;
}

/** Makes a session on the device asked for; what CUDA lacks is said, by an error or beside the session. */
export async function onDevice<Made>(
  device: Device,
  make: (provider: Provider) => Promise<Made>,
): Promise<Placed<Made>> {
  const onCpu = async (withoutCuda?: string): Promise<Placed<Made>> => ({
    made: await make('cpu'),
    provider: 'cpu',
    withoutCuda,
  });
  if (device === 'cpu') return onCpu();
  try {
    const missing = prepareCuda();
    if (missing !== undefined) throw new CudaUnavailableError(missing);
    const made = await make('cuda').catch((cause: unknown) => {
      const reason = diagnoseCuda(messageOf(cause));
      throw reason === undefined ? cause : new CudaUnavailableError(reason);
    });
    return { made, provider: 'cuda', withoutCuda: undefined };
  } catch (error) {
    if (device === 'cuda' || !(error instanceof CudaUnavailableError)) throw error;
    return onCpu(error.reason);
  }
}
