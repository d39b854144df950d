import type { Artifact } from '#cache/artifact-store.ts';
import { Failure } from '#cache/failure.ts';
import { checkVariant, exportedVariant, variantOrder } from '#pipeline/config/variants.ts';
import type { Project } from '#pipeline/project.ts';

/** What is asked for has to be made first. */
export class NotMadeError extends Failure {
  constructor(instance: string) {
    super(
      'usage',
      'E_NOT_MADE',
      `${instance} is stale or not made yet`,
      `make it: npx decant run --to ${instance}`,
    );
  }
}

/** The fresh artifact of an instance; throws where there is none. */
export function requireArtifact(fresh: ReadonlyMap<string, Artifact>, instance: string): Artifact {
  const artifact = fresh.get(instance);
  if (artifact === undefined) throw new NotMadeError(instance);
  return artifact;
}

/** The variant that a person names, or the one that is exported. */
export function studentNamed({ loaded }: Project, name: string | undefined): string {
  if (name !== undefined) checkVariant(loaded, name, '--student');
  return name ?? exportedVariant(loaded.config, variantOrder(loaded));
}
