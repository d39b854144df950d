import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { type Artifact, findArtifact } from '#cache/artifact-store.ts';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { digestOf } from '#cache/digest.ts';
import { CorruptArtifactError, type Manifest } from '#cache/manifest.ts';
import { rewriteArtifact } from '#cache/rewrite-artifact.ts';
import { type Occupant, removeOccupant, storeContents } from '#cache/store-contents.ts';
import type { ShardLayout } from '#datasets/remove-rows.ts';
import { addTombstones } from '#datasets/tombstones.ts';
import { tombstonesPath } from '#pipeline/project.ts';
import { corpusRows, leakKeyIn, rowsPerSplit } from './forgotten-row.ts';
import { heldFiles, rewriteFiles } from './held-files.ts';
import { heldLogs, renamingOf } from './held-logs.ts';
import { type Pending, type Receipt, readReceipt, removePending, writeReceipt } from './receipt.ts';
import { type Redaction, redactionOf } from './redaction.ts';

/**
 * Takes the rows of `pending` out of the whole store. Every step can be done twice: killed anywhere,
 * the same call goes on. Order matters: tombstones first, so that no run in between brings a row back;
 * of each artifact the new form, then its line in the receipt, then the end of the old one.
 */
export async function forgetPending(store: string, pending: Pending): Promise<Receipt> {
  const redaction = redactionOf(pending.rows);
  const keys = corpusRows(pending.rows).map((row) => ({ ...row, leakKey: leakKeyIn(row) }));
  await addTombstones(tombstonesPath(store), keys);
  const forgetting = new Forgetting(store, redaction, await receiptFor(store, pending));
  await forgetting.removeLeftovers();
  await forgetting.rewriteArtifacts();
  await forgetting.rewriteLogs();
  const receipt = await forgetting.finish();
  await removePending(store);
  return receipt;
}

/** Sealed artifacts in the order in which they were made: inputs before what was made of them. */
export async function artifactsOf(store: string): Promise<Artifact[]> {
  const { artifacts, unreadable } = await storeContents(store);
  // What cannot be read cannot be rewritten, and nobody could say that its rows are gone.
  for (const { path } of unreadable) throw new CorruptArtifactError(path, 'no manifest', path);
  for (const { folder, manifest } of artifacts) {
    const found = await findArtifact(store, manifest);
    const isMisplaced = found?.folder !== folder;
    if (isMisplaced) throw new CorruptArtifactError(folder, 'another name than its own', folder);
  }
  return artifacts.toSorted((a, b) => (a.manifest.finishedAt < b.manifest.finishedAt ? -1 : 1));
}

/** Unfinished work. It was made from inputs that will be others now, so no run could take it up. */
export async function leftoversOf(store: string): Promise<Occupant[]> {
  const { partials, temporaries } = await storeContents(store);
  return [...partials, ...temporaries];
}

async function receiptFor(store: string, { receiptId, asked, rows }: Pending): Promise<Receipt> {
  const begun = await readReceipt(store, receiptId);
  if (begun !== undefined) return begun;
  return {
    schemaVersion: 1,
    receiptId,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    asked,
    rows: rowsPerSplit(rows),
    tombstones: corpusRows(rows)
      .map(({ exampleId }) => digestOf(exampleId))
      .sort(),
    artifacts: [],
    files: [],
    removed: (await leftoversOf(store)).map(({ path }) => relative(store, path)),
    students: [],
    exports: [],
  };
}

class Forgetting {
  readonly #store: string;
  readonly #redaction: Redaction;
  #receipt: Receipt;

  constructor(store: string, redaction: Redaction, receipt: Receipt) {
    this.#store = store;
    this.#redaction = redaction;
    this.#receipt = receipt;
  }

  async removeLeftovers(): Promise<void> {
    await this.#note({});
    for (const occupant of await leftoversOf(this.#store)) {
      await removeOccupant(this.#store, occupant);
    }
  }

  async rewriteArtifacts(): Promise<void> {
    for (const artifact of await artifactsOf(this.#store)) await this.#rewrite(artifact);
  }

  async rewriteLogs(): Promise<void> {
    const renamed = renamingOf(this.#receipt.artifacts);
    const rewrite = (text: string) => renamed(this.#redaction.log(text));
    for (const [path, text] of await heldLogs(this.#store, rewrite)) {
      const before = digestOf(await readFile(path));
      const file = { path: relative(this.#store, path), before, after: digestOf(text) };
      await this.#note({ files: [...this.#otherFiles(file.path), file] });
      await writeFileAtomic(path, text);
    }
  }

  async finish(): Promise<Receipt> {
    await this.#note({ finishedAt: new Date().toISOString() });
    return this.#receipt;
  }

  /** An artifact that holds rows, or was made from one that did, gives place to one without them. */
  async #rewrite(artifact: Artifact): Promise<void> {
    const held = await heldFiles(artifact, this.#redaction);
    const { manifest } = artifact;
    await this.#enterExport(artifact);
    const inputs = this.#newInputs(manifest);
    const isMadeFromRewritten = Object.entries(inputs).some(
      ([name, digest]) => manifest.inputs[name] !== digest,
    );
    if (held.size === 0 && !isMadeFromRewritten) return;
    const tombstones = digestOf(await readFile(tombstonesPath(this.#store)));
    // Rows of soft labels do not depend on each other: without some it is what the teacher said of the
    // others, and stays fresh. Everything else has seen the rows, and its fingerprint has to say so.
    const isRowWise = manifest.recipe['stage'] === 'soft-label' && isMadeFromRewritten;
    const rewritten = await rewriteArtifact(this.#store, artifact, {
      inputs: isRowWise ? inputs : { ...inputs, [MARK]: tombstones },
      rewrite: (folder) => rewriteFiles(folder, held.keys(), this.#redaction, layoutOf(manifest)),
    });
    await this.#enter(artifact, rewritten, held);
    await removeOccupant(this.#store, { path: artifact.folder, bytes: 0, changedAtMs: 0 });
  }

  /** Inputs that were rewritten go by their new digests, so that nothing refers to what is gone. */
  #newInputs({ inputs }: Manifest): Record<string, string> {
    const renewed = new Map(
      this.#receipt.artifacts.flatMap(({ before, after }) =>
        Object.entries(before.outputs).map(
          ([output, digest]) => [digest, after.outputs[output] ?? digest] as const,
        ),
      ),
    );
    return Object.fromEntries(
      Object.entries(inputs).map(([name, digest]) => [name, renewed.get(digest) ?? digest]),
    );
  }

  async #enter(
    before: Artifact,
    after: Artifact,
    held: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { instance, fingerprint } = before.manifest;
    const isEntered = this.#receipt.artifacts.some(
      (one) => one.before.fingerprint === fingerprint && one.instance === instance,
    );
    if (isEntered) return;
    const [trainedOn, chosenOn] = [predictedRows(held, 'train'), predictedRows(held, 'validation')];
    const isStudent =
      before.manifest.recipe['stage'] === 'train-student' && trainedOn + chosenOn > 0;
    const student = { instance, fingerprint, trainedOn, chosenOn };
    const { artifacts, files, students } = this.#receipt;
    await this.#note({
      artifacts: [...artifacts, { instance, before: sideOf(before), after: sideOf(after) }],
      files: [...files, ...changedFiles(this.#store, before, after)],
      students: isStudent ? [...students, student] : students,
    });
  }

  /** A copy of a student's weights; its own files hold no rows, so nothing else would name it. */
  async #enterExport({ manifest }: Artifact): Promise<void> {
    const { artifacts, students, exports } = this.#receipt;
    const { instance, fingerprint, inputs, recipe } = manifest;
    const isOfStudent = artifacts.some(
      ({ before }) =>
        before.outputs['student'] === inputs['student'] &&
        students.some((student) => student.fingerprint === before.fingerprint),
    );
    const isEntered = exports.some((one) => one.fingerprint === fingerprint);
    if (recipe['stage'] !== 'export-student' || !isOfStudent || isEntered) return;
    await this.#note({ exports: [...exports, { instance, fingerprint }] });
  }

  #otherFiles(path: string): Receipt['files'] {
    return this.#receipt.files.filter((file) => file.path !== path);
  }

  /** The receipt grows with the work, so that a kill loses nothing of it. */
  async #note(change: Partial<Receipt>): Promise<void> {
    this.#receipt = { ...this.#receipt, ...change };
    await writeReceipt(this.#store, this.#receipt);
  }
}

/** Rows that a student has answered, with whichever of its heads. */
function predictedRows(held: ReadonlyMap<string, number>, split: string): number {
  const files = [...held].filter(
    ([path]) => path.startsWith('predictions/') && path.endsWith(`/${split}.parquet`),
  );
  return files.reduce((sum, [, rows]) => sum + rows, 0);
}

function sideOf({ manifest }: Artifact): Receipt['artifacts'][number]['before'] {
  const outputs = Object.entries(manifest.outputs).map(([name, { digest }]) => [name, digest]);
  return { fingerprint: manifest.fingerprint, outputs: Object.fromEntries(outputs) };
}

function changedFiles(store: string, before: Artifact, after: Artifact): Receipt['files'] {
  const digests = digestsOf(after.manifest);
  return [...digestsOf(before.manifest)].flatMap(([path, digest]) => {
    const renewed = digests.get(path) ?? null;
    if (renewed === digest) return [];
    return [{ path: relative(store, join(before.folder, path)), before: digest, after: renewed }];
  });
}

function digestsOf({ outputs }: Manifest): Map<string, string> {
  const files = Object.entries(outputs).flatMap(([output, { files }]) =>
    files.map(({ path, sha256 }) => [`${output}/${path}`, sha256] as const),
  );
  return new Map(files);
}

/** How soft labels of this recipe are cut into files. */
function layoutOf({ recipe }: Manifest): ShardLayout {
  const parsed = layoutSchema.safeParse(recipe['config']);
  return parsed.success ? parsed.data : { shardRows: 2048, codec: 'zstd' };
}

/** Name of the input that rewritten artifacts have and made ones do not. */
const MARK = 'forgotten rows';

const layoutSchema = z.object({
  shardRows: z.int().positive(),
  codec: z.enum(['none', 'snappy', 'zstd']),
});
