import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { makeFolder, TEMPORARY_MARK } from '#cache/atomic-file.ts';
import { digestFile, listFiles } from '#cache/digest.ts';
import { makeMissingFiles, ONNX_FILES } from '#pipeline/teachers/missing-teacher-files.ts';
import { teacherFiles } from '#pipeline/teachers/teacher-files.ts';
import { licenseBeside } from '#pipeline/teachers/teacher-license.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { requireKnownCheckpoint, UnsupportedCheckpointError } from '#stages/students/checkpoint.ts';
import { type HubFile, type HubModel, openHubModel } from './client.ts';
import { download } from './download.ts';
import type { HubEnvironment, HubReference } from './environment.ts';
import { HubOfflineError, NoSuchGraphError, OccupiedFolderError } from './errors.ts';
import { holdsAll, readSource, type SourceRecord, writeSource } from './source-record.ts';

/** Something to tell while a teacher comes in. */
export type Say = (line: string) => void;

/**
 * Brings a teacher from the hub into a folder: its files at one commit, `onnx/model.onnx` made from
 * model.safetensors and tokenizer.json made from a vocabulary where the repository has none.
 */
export async function addTeacher(
  { file, ...reference }: WantedTeacher,
  folder: string,
  environment: HubEnvironment,
  say: Say,
): Promise<SourceRecord> {
  const before = await readSource(folder, reference);
  const isAsked = before !== undefined && asks(reference, before);
  if (environment.isOffline) {
    const hasFile = file === undefined || before?.files.some(({ path }) => path === file);
    if (isAsked && hasFile && (await holdsAll(folder, before))) return before;
    throw new HubOfflineError(reference.repository, folder);
  }
  const model = await openHubModel(reference, environment);
  if (before !== undefined && before.commit !== model.commit) {
    throw new OccupiedFolderError(folder, nameOf(before), nameOf(model));
  }
  const { repository, commit } = model;
  const { endpoint } = environment;
  const { revision } = reference;
  const record = { formatVersion: 1, endpoint, repository, revision, commit } as const;
  makeFolder(folder);
  await removeUnfinished(folder);
  await writeSource(folder, { ...record, complete: false, files: [], made: [] });
  const fetched = await fetchTeacher(model, { folder, file }, say);
  const made = await makeMissingFiles(folder, {
    name: repository,
    // The graph that was chosen stands for the usual one.
    has: (path) =>
      fileNamed(model, path) !== undefined ||
      (file !== undefined && ONNX_FILES.some((usual) => usual === path)),
  });
  for (const { path, from } of made) say(`${path} made from ${from}`);
  teacherFiles(join(folder, file ?? '')); // throws where something is missing still
  const license = licenseBeside(join(folder, 'config.json'))?.name;
  say(license === undefined ? 'its card names no licence' : `licence: ${license}`);
  const whole: SourceRecord = {
    ...record,
    ...(license !== undefined && { license }),
    complete: true,
    files: [...(await recorded(folder, fetched)), ...filesBefore(before, fetched)],
    made: await Promise.all(
      made.map(async ({ path, from }) => ({ ...(await recordedFile(folder, path)), from })),
    ),
  };
  await writeSource(folder, whole);
  return whole;
}

/** A model of the hub, and which of several graphs it has, where that is not `onnx/model.onnx`. */
export interface WantedTeacher extends HubReference {
  readonly file?: string | undefined;
}

/** What the same model had brought already, such as another of its graphs. */
function filesBefore(before: SourceRecord | undefined, fetched: readonly HubFile[]) {
  const now = new Set(fetched.map(({ path }) => path));
  return (before?.files ?? []).filter(({ path }) => !now.has(path));
}

/** `org/name at 0123456789ab`. */
export function nameOf({ repository, commit }: Pick<HubModel, 'repository' | 'commit'>): string {
  return `${repository} at ${commit.slice(0, 12)}`;
}

function asks({ revision }: HubReference, record: SourceRecord): boolean {
  return revision === record.revision || revision === record.commit;
}

/** Small files first: they decide whether the large ones are of use. */
async function fetchTeacher(
  model: HubModel,
  { folder, file }: { readonly folder: string; readonly file: string | undefined },
  say: Say,
): Promise<HubFile[]> {
  const chosen = file === undefined ? undefined : graphNamed(model, file);
  const small = model.files.filter(({ path }) => SMALL_FILES.has(path));
  const fetch = async (files: readonly HubFile[]) => {
    for (const file of files) {
      const how = await download(model, file, folder);
      say(`${file.path} ${how === 'kept' ? 'is there' : 'fetched'}`);
    }
  };
  await fetch(small);
  const usual = ONNX_FILES.map((path) => fileNamed(model, path));
  const graph = chosen ?? usual.find((one) => one !== undefined);
  if (graph === undefined) {
    const weights = weightsOf(model, folder);
    await requireKnownCheckpoint(folder, weights.bytes, model.repository);
    await fetch([weights]);
    return [...small, weights];
  }
  await fetch([graph]);
  const data = externalData(model, graph, folder);
  await fetch(data);
  return [...small, graph, ...data];
}

function graphNamed(model: HubModel, path: string): HubFile {
  const file = path.endsWith('.onnx') ? fileNamed(model, path) : undefined;
  if (file !== undefined) return file;
  const graphs = model.files.map((one) => one.path).filter((one) => one.endsWith('.onnx'));
  throw new NoSuchGraphError(nameOf(model), path, graphs);
}

function weightsOf(model: HubModel, folder: string): HubFile {
  const weights = fileNamed(model, 'model.safetensors');
  if (weights !== undefined) return weights;
  const inParts = fileNamed(model, 'model.safetensors.index.json') !== undefined;
  const problem = inParts
    ? 'its weights are in several files'
    : 'the repository has neither onnx/model.onnx nor model.safetensors';
  throw new UnsupportedCheckpointError(folder, problem, model.repository);
}

/** Files that the graph keeps weights in; what the repository lacks is told by `teacherFiles`. */
function externalData(model: HubModel, graph: HubFile, folder: string): HubFile[] {
  const { externalFiles } = skimModelFile(join(folder, graph.path));
  const paths = [...externalFiles].map((name) => posix.join(posix.dirname(graph.path), name));
  return paths.flatMap((path) => fileNamed(model, path) ?? []);
}

/** A path that would leave the folder is no file of a teacher. */
function fileNamed(model: HubModel, path: string): HubFile | undefined {
  if (path.startsWith('/') || path.split('/').includes('..')) return undefined;
  return model.files.find((file) => file.path === path);
}

function recorded(folder: string, files: readonly HubFile[]) {
  return Promise.all(files.map(({ path }) => recordedFile(folder, path)));
}

async function recordedFile(folder: string, path: string) {
  const file = join(folder, path);
  return { path, bytes: statSync(file).size, sha256: await digestFile(file) };
}

/** What a killed download left behind. */
async function removeUnfinished(folder: string): Promise<void> {
  const unfinished = (await listFiles(folder)).filter((path) => path.includes(TEMPORARY_MARK));
  for (const path of unfinished) await rm(join(folder, path), { force: true });
}

const SMALL_FILES: ReadonlySet<string> = new Set([
  'README.md',
  'LICENSE',
  'LICENSE.txt',
  'config.json',
  '1_Pooling/config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.txt',
  'vocab.json',
  'merges.txt',
]);
