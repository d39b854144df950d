import { randomBytes } from 'node:crypto';
import { join, relative } from 'node:path';
import { digestOf } from '#cache/digest.ts';
import { lockStore } from '#cache/lock.ts';
import { leakKeyHash, type Tombstones } from '#datasets/tombstones.ts';
import { textTable } from '#pipeline/display/text-table.ts';
import { type Asked, type AskedRecord, askedBy, recordOf } from '#pipeline/forget/asked.ts';
import { findRows } from '#pipeline/forget/find-rows.ts';
import { artifactsOf, forgetPending, leftoversOf } from '#pipeline/forget/forget.ts';
import {
  corpusRows,
  type ForgottenRow,
  leakKeyIn,
  rowsPerSplit,
} from '#pipeline/forget/forgotten-row.ts';
import { heldFiles } from '#pipeline/forget/held-files.ts';
import { heldLogs } from '#pipeline/forget/held-logs.ts';
import {
  forgottenBefore,
  type Pending,
  type Receipt,
  readPending,
  receiptPath,
  writePending,
} from '#pipeline/forget/receipt.ts';
import { redactionOf } from '#pipeline/forget/redaction.ts';
import { type SourceFile, sourceFilesWith } from '#pipeline/forget/source-files.ts';
import { openProject, type Project, type ProjectOptions } from '#pipeline/project.ts';

export interface ForgetOptions extends ProjectOptions {
  readonly ids?: string;
  readonly where?: string;
  readonly dryRun?: boolean;
  readonly waitLock: number;
  readonly json?: boolean;
}

/** `decant forget`: takes rows out of the whole store, for ever, and writes a receipt. */
export async function forgetCommand(options: ForgetOptions): Promise<number> {
  const project = openProject(options);
  const { store } = project;
  if (options.dryRun === true) return dryRun(project, await askedBy(options));
  const lock = await lockStore(join(store, 'lock'), { waitMs: options.waitLock });
  try {
    const pending = await readPending(store);
    // Without a question the command only finishes what was interrupted.
    const isBare = options.ids === undefined && options.where === undefined;
    const asked = isBare && pending !== undefined ? undefined : await askedBy(options);
    if (pending !== undefined) await finish(project, pending, options);
    const isAnswered = asked === undefined || isEqual(recordOf(asked), pending?.asked);
    if (!isAnswered) await begin(project, asked, options);
  } finally {
    lock.release();
  }
  return 0;
}

function isEqual(a: AskedRecord, b: AskedRecord | undefined): boolean {
  return b !== undefined && a.by === b.by && a.sha256.join() === b.sha256.join();
}

async function begin(project: Project, asked: Asked, options: ForgetOptions): Promise<void> {
  const { store } = project;
  const { rows, nearEqual, before } = await findRows(store, asked, await forgottenBefore(store));
  if (before > 0) process.stderr.write(`forgotten before: ${before} of what was asked for\n`);
  if (nearEqual > 0) process.stderr.write(`${nearEqual} more rows have near-equal texts\n`);
  if (rows.length === 0) return;
  // Looked at before anything is promised: a broken artifact stops us while nothing has happened yet.
  await artifactsOf(store);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+Z/g, '');
  const receiptId = `forget-${time}-${randomBytes(2).toString('hex')}`;
  const pending: Pending = {
    schemaVersion: 1,
    receiptId,
    asked: recordOf(asked),
    rows: [...rows],
  };
  await writePending(store, pending);
  await finish(project, pending, options);
}

async function finish(project: Project, pending: Pending, options: ForgetOptions): Promise<void> {
  const receipt = await forgetPending(project.store, pending);
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(receipt, null, 1)}\n`);
    return;
  }
  const sources = await sourceFilesWith(project, tombstonesOf(corpusRows(pending.rows)));
  process.stdout.write(`${wordsOf(project.store, receipt, sources)}\n`);
}

function wordsOf(store: string, receipt: Receipt, sources: readonly SourceFile[]): string {
  const { rows, artifacts, files, removed, students, exports, receiptId } = receipt;
  const logs = files.length === 0 ? '' : `, ${files.length} files`;
  const parts = [
    `forgotten: ${countWords(rows)}; rewritten: ${artifacts.length} artifacts${logs}`,
    ...(removed.length === 0 ? [] : [`removed: ${removed.join(', ')}`]),
    ...studentWords(students),
    ...exports.map(({ instance }) => `it holds such weights too: ${instance}`),
    ...sources.map(sourceWords),
    `receipt: ${relative(process.cwd(), receiptPath(store, receiptId))}`,
    'next: npx decant run   makes prepare anew, takes all other soft labels over, trains the students again',
  ];
  return parts.join('\n');
}

function studentWords(students: Receipt['students']): string[] {
  if (students.length === 0) return [];
  const rows = students.map(({ instance, fingerprint, trainedOn, chosenOn }) => [
    instance,
    fingerprint.slice(0, 16),
    trainedOn,
    chosenOn,
  ]);
  return [
    'their weights have seen these rows and were not retrained:',
    textTable(['student', 'was', 'train rows', 'validation rows'], rows),
  ];
}

function sourceWords({ name, rows }: SourceFile): string {
  if (rows === null) return `not looked into: ${name}`;
  return `your file still holds ${rows === 1 ? 'a row' : `${rows} rows`} of it: ${name}`;
}

/** Says what would happen; nothing is written and no lock is taken. */
async function dryRun(project: Project, asked: Asked): Promise<number> {
  const { store } = project;
  const { rows, nearEqual } = await findRows(store, asked, await forgottenBefore(store));
  const redaction = redactionOf(rows);
  const held: [string, string, number][] = [];
  for (const artifact of await artifactsOf(store)) {
    for (const [path, count] of await heldFiles(artifact, redaction)) {
      held.push([relative(store, artifact.folder), path, count]);
    }
  }
  for (const path of (await heldLogs(store, redaction.log)).keys()) {
    held.push(['', relative(store, path), 1]);
  }
  const removed = (await leftoversOf(store)).map(({ path }) => relative(store, path));
  const lines = [
    `would forget: ${countWords(rowsPerSplit(rows))}`,
    ...(nearEqual === 0 ? [] : [`among them with near-equal texts: ${nearEqual}`]),
    textTable(['artifact', 'file', 'rows'], held),
    ...(removed.length === 0
      ? []
      : [`would remove what interrupted runs have left: ${removed.join(', ')}`]),
    ...(await sourceFilesWith(project, tombstonesOf(corpusRows(rows)))).map(sourceWords),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

/** Of these rows only: others may have been forgotten before. */
function tombstonesOf(rows: readonly ForgottenRow[]): Tombstones {
  const keys = rows.map(leakKeyIn).filter((key) => key !== null);
  return {
    exampleIdSha256: new Set(rows.map(({ exampleId }) => digestOf(exampleId))),
    leakKeySha256: new Set(keys.map(leakKeyHash)),
  };
}

function countWords(perSplit: Readonly<Record<string, number>>): string {
  const parts = Object.entries(perSplit).map(([split, rows]) => `${rows} ${split}`);
  const all = Object.values(perSplit).reduce((sum, rows) => sum + rows, 0);
  return `${parts.length === 0 ? 'no' : parts.join(', ')} ${all === 1 ? 'row' : 'rows'}`;
}
