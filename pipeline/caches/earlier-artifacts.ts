import { listArtifacts, outputFolder } from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';
import type { Order } from '#pipeline/run/plan.ts';
import type { EarlierArtifact } from '#stages/stage.ts';

/** Sealed artifacts of the same instance: those of the same recipe first, newest first. */
export async function earlierOf(store: string, order: Order): Promise<EarlierArtifact[]> {
  const recipe = fingerprintOf(order.recipe);
  const earlier = (await listArtifacts(store, order.instance)).map(({ folder, manifest }) => ({
    fingerprint: manifest.fingerprint,
    sameRecipe: fingerprintOf(manifest.recipe) === recipe,
    outputs: Object.fromEntries(
      Object.keys(manifest.outputs).map((name) => [name, outputFolder(folder, name)]),
    ),
    recipe: manifest.recipe,
    counts: manifest.counts,
    environment: manifest.environment,
  }));
  return earlier.sort((a, b) => Number(b.sameRecipe) - Number(a.sameRecipe));
}
