import { type Artifact, findArtifact, listArtifacts } from '#cache/artifact-store.ts';
import { differencesBetween } from '#cache/differences.ts';
import { Failure } from '#cache/failure.ts';
import { hintFor } from '#datasets/nearest-name.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { ConfigError } from '#pipeline/config/config-sources.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

/** The store has no artifact that a pin could mean, or not one only. */
export class PinError extends Failure {
  constructor(instance: string, pinned: string, problem: string, fix: string) {
    super('usage', 'E_PINNED', `pinned.${instance}: ${pinned} ${problem}`, fix);
  }
}

/** --force asks to make anew what a pin says to use as it is. */
export class ForcedPinError extends Failure {
  constructor({ name, pinned }: StageInstance) {
    const message = `--force ${name}: it is pinned to ${pinned}`;
    super('usage', 'E_PINNED', message, `take pinned.${name} out of decant.yaml`);
  }
}

/** Gives every instance that the `pinned` setting names its pin; refuses names that no stage has. */
export function withPins(
  loaded: LoadedConfig,
  instances: readonly StageInstance[],
): StageInstance[] {
  const pins = loaded.config.pinned ?? {};
  const known = instances.map(({ name }) => name);
  const problems = Object.keys(pins)
    .filter((name) => !known.includes(name))
    .map((name) => ({
      path: `pinned.${name}`,
      problem: `there is no such stage; ${hintFor(name, known)}`,
    }));
  if (problems.length > 0) throw new ConfigError(loaded.file, problems);
  return instances.map((instance) => {
    const pinned = pins[instance.name];
    return pinned === undefined ? instance : { ...instance, pinned };
  });
}

/** The artifact that an instance is pinned to: whole, and of the formats that this Decant reads. */
export async function pinnedArtifact(
  store: string,
  { name, stage }: StageInstance,
  pinned: string,
): Promise<Artifact> {
  const sealed = await listArtifacts(store, name);
  const matching = sealed.filter(({ manifest }) => manifest.fingerprint.startsWith(pinned));
  const [only] = matching;
  if (only === undefined || matching.length > 1) {
    const found = (matching.length > 1 ? matching : sealed).map(({ manifest }) =>
      manifest.fingerprint.slice(0, 16),
    );
    const problem = matching.length > 1 ? 'may be several artifacts' : 'is in no artifact';
    const there = found.length === 0 ? 'the store has none of this stage' : found.join(', ');
    throw new PinError(name, pinned, `${problem} (${there})`, 'write one of these, or take it out');
  }
  const formats = Object.entries(stage.outputs).map(([output, { formatVersion }]) => [
    output,
    formatVersion,
  ]);
  const changes = differencesBetween(only.manifest.recipe['formats'], Object.fromEntries(formats));
  if (changes.length > 0) {
    const outputs = changes.map(({ path }) => path).join(', ');
    const problem = `has outputs of another format than this version reads: ${outputs}`;
    throw new PinError(name, pinned, problem, 'take the pin out, so that it is made anew');
  }
  const { fingerprint } = only.manifest;
  // Looked up once more for its check: a folder whose files are gone or short is an error.
  return (await findArtifact(store, { instance: name, fingerprint })) ?? only;
}
