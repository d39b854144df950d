import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { Failure } from '#cache/failure.ts';
import { readTombstones } from '#datasets/tombstones.ts';
import { tombstonesPath } from '#pipeline/project.ts';
import { forgottenRowSchema } from './forgotten-row.ts';

const askedSchema = z.strictObject({
  by: z.enum(['ids', 'where']),
  what: z.string(),
  sha256: z.array(z.string()),
});

/** Written first and removed last: while it is there, something is half forgotten. It holds the rows. */
const pendingSchema = z.strictObject({
  schemaVersion: z.literal(1),
  receiptId: z.string(),
  asked: askedSchema,
  rows: z.array(forgottenRowSchema),
});

const sideSchema = z.strictObject({
  fingerprint: z.string(),
  /** Digest of each output. */
  outputs: z.record(z.string(), z.string()),
});

const fileSchema = z.strictObject({
  /** Relative to the store as it was. */
  path: z.string(),
  /** SHA-256. */
  before: z.string(),
  after: z.string().nullable(),
});

const receiptSchema = z.strictObject({
  schemaVersion: z.literal(1),
  receiptId: z.string(),
  startedAt: z.string(),
  /** Null while it is being done. */
  finishedAt: z.string().nullable(),
  asked: askedSchema,
  rows: z.record(z.string(), z.number()),
  /** What was added to tombstones.json: SHA-256 of each example id. */
  tombstones: z.array(z.string()),
  artifacts: z.array(
    z.strictObject({ instance: z.string(), before: sideSchema, after: sideSchema }),
  ),
  /** Files that hold other bytes now. */
  files: z.array(fileSchema),
  /** Leftovers of interrupted runs, relative to the store. */
  removed: z.array(z.string()),
  /** Students whose weights come from these rows. They were not retrained; the next run does it. */
  students: z.array(
    z.strictObject({
      instance: z.string(),
      fingerprint: z.string(),
      trainedOn: z.number(),
      chosenOn: z.number(),
    }),
  ),
  /** Hugging Face folders with the weights of such a student. */
  exports: z.array(z.strictObject({ instance: z.string(), fingerprint: z.string() })),
});

export type Pending = z.infer<typeof pendingSchema>;
export type Receipt = z.infer<typeof receiptSchema>;

/** A file of a forgetting that cannot be read. */
export class ForgetFileError extends Failure {
  constructor(path: string, reason: string) {
    super(
      'corrupt',
      'E_FORGET_FILE',
      `${path}: ${reason}`,
      'remove the file and ask for the same rows again',
    );
  }
}

/** A run must not build upon rows that somebody wants gone and whose end was interrupted. */
export class ForgetPendingError extends Failure {
  constructor(store: string) {
    super(
      'usage',
      'E_FORGET_PENDING',
      `${store}: a forgetting was interrupted, and its rows are still in part of the store`,
      'finish it: npx decant forget',
    );
  }
}

/** Throws where rows are half forgotten. To be asked under the lock: before it, somebody may be at work. */
export function requireNothingPending(store: string): void {
  if (existsSync(pendingPath(store))) throw new ForgetPendingError(store);
}

/** What an interrupted forgetting has left to do. */
export async function readPending(store: string): Promise<Pending | undefined> {
  return readJson(pendingPath(store), pendingSchema);
}

export async function writePending(store: string, pending: Pending): Promise<void> {
  await writeFileAtomic(pendingPath(store), `${JSON.stringify(pending)}\n`);
}

export async function removePending(store: string): Promise<void> {
  await rm(pendingPath(store), { force: true });
}

export async function readReceipt(store: string, receiptId: string): Promise<Receipt | undefined> {
  return readJson(receiptPath(store, receiptId), receiptSchema);
}

export async function writeReceipt(store: string, receipt: Receipt): Promise<void> {
  const path = receiptPath(store, receipt.receiptId);
  await writeFileAtomic(path, `${JSON.stringify(receipt, null, 1)}\n`);
}

/** SHA-256 of all that was forgotten before: example ids, own ids and conditions. */
export async function forgottenBefore(store: string): Promise<Set<string>> {
  const folder = join(store, 'receipts');
  const names = existsSync(folder) ? await readdir(folder) : [];
  const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -5));
  const receipts = await Promise.all(ids.map((receiptId) => readReceipt(store, receiptId)));
  const asked = receipts.flatMap((receipt) => receipt?.asked.sha256 ?? []);
  const { exampleIdSha256 } = await readTombstones(tombstonesPath(store));
  return new Set([...asked, ...exampleIdSha256]);
}

/** Where a receipt lies. */
export function receiptPath(store: string, receiptId: string): string {
  return join(store, 'receipts', `${receiptId}.json`);
}

function pendingPath(store: string): string {
  return join(store, 'forget.json');
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    throw new ForgetFileError(path, error instanceof Error ? error.message : String(error));
  }
}
