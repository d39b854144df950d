import { existsSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { addTeacher, nameOf } from '#pipeline/hub/add-teacher.ts';
import { HubSettingError, hubEnvironment, hubReference } from '#pipeline/hub/environment.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import { isEncoder } from '#pipeline/teachers/encoder.ts';
import { makeMissingFiles } from '#pipeline/teachers/missing-teacher-files.ts';
import { TeacherFileError, teacherFiles } from '#pipeline/teachers/teacher-files.ts';

export interface TeacherAddOptions {
  /** Folder to put it into; the name of the model when left out. */
  readonly to?: string;
  /** Which of several graphs of the repository. */
  readonly file?: string;
}

/** `decant teacher add`: a model of the hub, or a folder with a checkpoint, becomes a folder for `teacher.model`. */
export async function teacherAddCommand(
  model: string,
  options: TeacherAddOptions,
): Promise<number> {
  const isFolder = /^(\.{1,2}$|\.{0,2}[/\\])/.test(model);
  return isFolder ? completeFolder(model, options) : addFromHub(model, options);
}

async function addFromHub(model: string, { to, file }: TeacherAddOptions): Promise<number> {
  const reference = hubReference(model);
  const folder = resolve(to ?? basename(reference.repository));
  const wanted = { ...reference, file };
  const record = await addTeacher(wanted, folder, hubEnvironment(process.env), say);
  const bytes = record.files.reduce((sum, file) => sum + file.bytes, 0);
  tell(
    join(folder, file ?? ''),
    `${nameOf(record)}, ${record.files.length} files, ${formatBytes(bytes)}`,
  );
  return 0;
}

/** Only what is missing is made; nothing of the folder is changed. */
async function completeFolder(name: string, { to, file }: TeacherAddOptions): Promise<number> {
  for (const [option, value] of Object.entries({ '--to': to, '--file': file })) {
    if (value === undefined) continue;
    throw new HubSettingError(`${option} says nothing for ${name}`, `leave ${option} out`);
  }
  const folder = resolve(name);
  if (!existsSync(folder)) {
    const fix = 'name a folder with config.json and model.safetensors, or org/name of the hub';
    throw new TeacherFileError(name, 'there is no such folder', fix);
  }
  const has = (path: string) => existsSync(join(folder, path));
  const made = await makeMissingFiles(folder, { name: folder, has });
  teacherFiles(folder); // throws where something is missing still
  for (const { path, from } of made) say(`${path} made from ${from}`);
  tell(folder, made.length === 0 ? 'nothing was missing' : made.map(({ path }) => path).join(', '));
  return 0;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function tell(place: string, what: string): void {
  const shown = relative('.', place) || '.';
  const lines = isEncoder(teacherFiles(place))
    ? [
        `${shown}: ${what}`,
        `a sentence encoder; use it: teacher: { embeddings: ${shown}, head: fit }`,
      ]
    : [
        `${shown}: ${what}`,
        `look at it:  npx decant teacher check ${shown}`,
        `use it:      teacher: { model: ${shown} }`,
      ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
