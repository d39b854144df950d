import { basename, relative, resolve } from 'node:path';
import { addTeacher, nameOf } from '#pipeline/hub/add-teacher.ts';
import { hubEnvironment, hubReference } from '#pipeline/hub/environment.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';

export interface TeacherAddOptions {
  /** Folder to put it into; the name of the model when left out. */
  readonly to?: string;
}

/** `decant teacher add`: a model of the hub becomes a folder that `teacher.model` can name. */
export async function teacherAddCommand(model: string, { to }: TeacherAddOptions): Promise<number> {
  const reference = hubReference(model);
  const folder = resolve(to ?? basename(reference.repository));
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const record = await addTeacher(reference, folder, hubEnvironment(process.env), say);
  const bytes = record.files.reduce((sum, file) => sum + file.bytes, 0);
  const shown = relative('.', folder) || '.';
  const lines = [
    `${shown}: ${nameOf(record)}, ${record.files.length} files, ${formatBytes(bytes)}`,
    `look at it:  npx decant teacher check ${shown}`,
    `use it:      teacher: { model: ${shown} }`,
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}
