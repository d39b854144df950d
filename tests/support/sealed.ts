import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Artifact, openPartial, outputFolder, sealArtifact } from '#cache/artifact-store.ts';
import { fingerprintOf } from '#cache/fingerprint.ts';

/** Seals an artifact whose output `out` is one file; `from` are the artifacts that it was made of. */
export async function sealed(
  store: string,
  instance: string,
  content: string,
  rest: { readonly from?: readonly Artifact[]; readonly at?: string } = {},
): Promise<Artifact> {
  const { from = [], at = '2026-01-01T00:00:00.000Z' } = rest;
  const inputs = Object.fromEntries(
    from.map(({ manifest }, index) => [`in${index}`, manifest.outputs['out']?.digest ?? '']),
  );
  const key = { instance, fingerprint: fingerprintOf([instance, content, inputs]) };
  const partial = await openPartial(store, key, ['out']);
  writeFileSync(join(outputFolder(partial, 'out'), 'content'), content);
  const times = { startedAt: at, finishedAt: at };
  const described = { ...key, recipe: {}, inputs, counts: {}, environment: {}, ...times };
  return sealArtifact(store, described, { out: {} });
}
