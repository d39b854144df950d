import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { digestOf } from '#cache/digest.ts';
import { Failure } from '#cache/failure.ts';

const sha256List = z.array(z.string().regex(/^[0-9a-f]{64}$/));

const tombstonesSchema = z.strictObject({
  formatVersion: z.literal(1),
  /** SHA-256 of example ids, sorted: equal sets are equal files, and no id can be read out of them. */
  exampleIdSha256: sha256List,
  /** `leakKeyHash` of leak keys, sorted: near-equal texts are the same text to a person. */
  leakKeySha256: sha256List,
});

/** What an example is known by. */
export interface ExampleKey {
  readonly exampleId: string;
  /** Null where the text is not known. */
  readonly leakKey: string | null;
}

/** Examples that were forgotten, known only by hashes. */
export interface Tombstones {
  readonly exampleIdSha256: ReadonlySet<string>;
  readonly leakKeySha256: ReadonlySet<string>;
}

/** tombstones.json is not what Decant writes. Going on would bring forgotten rows back. */
export class TombstonesError extends Failure {
  constructor(path: string, reason: string) {
    super(
      'corrupt',
      'E_TOMBSTONES',
      `${path}: ${reason}`,
      'restore the file from a backup; without it forgotten rows come back while the corpus holds them',
    );
  }
}

/** Is this example, or one whose text differs in case and signs only, to stay forgotten? */
export function isForgotten(tombstones: Tombstones, { exampleId, leakKey }: ExampleKey): boolean {
  const { exampleIdSha256, leakKeySha256 } = tombstones;
  if (exampleIdSha256.size === 0) return false;
  if (exampleIdSha256.has(digestOf(exampleId))) return true;
  return leakKey !== null && leakKeySha256.has(leakKeyHash(leakKey));
}

/** Tombstone of a leak key. Its bare SHA-256 would begin with the example id of a text that is its own key. */
export function leakKeyHash(leakKey: string): string {
  return digestOf(`leak key\u0000${leakKey}`);
}

/** Reads the tombstones of a store; a store without the file has none. */
export async function readTombstones(path: string): Promise<Tombstones> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return { exampleIdSha256: new Set(), leakKeySha256: new Set() };
  try {
    const { exampleIdSha256, leakKeySha256 } = tombstonesSchema.parse(JSON.parse(text));
    return { exampleIdSha256: new Set(exampleIdSha256), leakKeySha256: new Set(leakKeySha256) };
  } catch (error) {
    throw new TombstonesError(path, error instanceof Error ? error.message : String(error));
  }
}

/** Adds tombstones for these examples (atomic); the same set gives the same bytes. */
export async function addTombstones(path: string, examples: readonly ExampleKey[]): Promise<void> {
  const known = await readTombstones(path);
  const ids = examples.map(({ exampleId }) => digestOf(exampleId));
  const keys = examples.flatMap(({ leakKey }) => (leakKey === null ? [] : leakKeyHash(leakKey)));
  const content: z.infer<typeof tombstonesSchema> = {
    formatVersion: 1,
    exampleIdSha256: [...new Set([...known.exampleIdSha256, ...ids])].sort(),
    leakKeySha256: [...new Set([...known.leakKeySha256, ...keys])].sort(),
  };
  await writeFileAtomic(path, `${JSON.stringify(content, null, 1)}\n`);
}
