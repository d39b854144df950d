import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Failure } from '#cache/failure.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import { deviceSettings } from '#pipeline/config/device.ts';
import type { ProjectOptions } from '#pipeline/project.ts';
import { askBeside } from '#pipeline/run/beside.ts';
import { EncoderError, isEncoder } from '#pipeline/teachers/encoder.ts';
import {
  configBeside,
  type InspectedRows,
  inspectedRows,
  shapesOf,
} from '#pipeline/teachers/inspected-rows.ts';
import { type TeacherFacts, teacherFacts } from '#pipeline/teachers/teacher-facts.ts';
import {
  requireTokenizer,
  type TeacherFiles,
  teacherFiles,
} from '#pipeline/teachers/teacher-files.ts';
import { reportAsJson, reportAsText, warningsOf } from '#pipeline/teachers/teacher-report.ts';
import { skillOf } from '#pipeline/teachers/teacher-skill.ts';
import { type Inspection, inspectionSchema } from '#stages/soft-label/inspect-teacher.ts';

export interface TeacherCheckOptions extends ProjectOptions {
  readonly json?: boolean;
}

/** What an encoder-decoder says depends on a target that a text alone does not have. */
class NeedsTargetsError extends Failure {
  constructor() {
    super(
      'usage',
      'E_TEACHER_CHECK_TASK',
      'teacher check shows texts, and a teacher of sequence-to-sequence reads a target beside each',
      'try this teacher on a few rows instead, which keeps nothing: npx decant run --smoke',
    );
  }
}

/** `decant teacher check`: what a teacher is, what it says of a few texts, and whether it knows the task. */
export async function teacherCheckCommand(
  folder: string,
  options: TeacherCheckOptions,
): Promise<number> {
  const loaded = configBeside(options);
  const files = teacherFiles(resolve(folder));
  const output = loaded && outputNamedFor(loaded, files.place);
  if (isEncoder(files, output)) throw new EncoderError(files, files.model[0] ?? '');
  const { task, corpus, teacher } = loaded?.config ?? {};
  const hasText = corpus?.columns.text !== null;
  const facts = await teacherFacts(files, { task, classNames: corpus?.classNames, hasText });
  if (facts.task === 'sequence-to-sequence') throw new NeedsTargetsError();
  const shown = await inspectedRows(loaded, facts.task);
  const limit = Math.min(facts.positions ?? DEFAULT_LENGTH, MOST_TOKENS);
  const wanted = teacher?.maxLength ?? limit;
  const maxLength = Math.min(wanted, facts.positions ?? wanted);
  const inspection = await inspect(files, facts, shown, {
    maxLength,
    task: facts.task,
    maskId: facts.maskId,
    output,
    shapes: shapesOf(loaded, shown),
    ...(loaded && deviceSettings(loaded.config)),
    threads: loaded?.config.threads,
  });
  const report = {
    files,
    facts,
    shown,
    inspection,
    wanted,
    maxLength,
    skill: skillOf(facts, shown, inspection),
  };
  const text =
    options.json === true ? JSON.stringify(reportAsJson(report), null, 1) : reportAsText(report);
  process.stdout.write(`${text}\n`);
  for (const warning of warningsOf(report)) process.stderr.write(`warning: ${warning}\n`);
  return 0;
}

/** The output that the configuration names for the teacher of this folder. */
function outputNamedFor({ config, folder }: LoadedConfig, place: string): string | undefined {
  const all = [config.teacher, ...Object.values(config.teachers ?? {})];
  return all.find(({ model }) => model !== undefined && resolve(folder, model) === place)?.output;
}

async function inspect(
  files: TeacherFiles,
  { classes, tokenizer }: TeacherFacts,
  { rows }: InspectedRows,
  settings: Readonly<Record<string, unknown>>,
): Promise<Inspection> {
  const folder = await mkdtemp(join(tmpdir(), 'decant-texts-'));
  try {
    const path = join(folder, 'rows.json');
    const texts = rows.map(({ label: _neverTold, features = {}, ...row }) => {
      const lists = Object.entries(features).map(([name, values]) => [name, [...values]] as const);
      return { ...row, ...(lists.length > 0 && { features: Object.fromEntries(lists) }) };
    });
    await writeFile(path, JSON.stringify(texts));
    const answer = await askBeside({
      stage: 'inspect-teacher',
      output: 'inspection',
      config: { classCount: classes.classNames.length, ...settings },
      files: {
        model: files.model,
        ...(tokenizer !== undefined && { tokenizer: [requireTokenizer(files)] }),
        modelConfig: [files.config],
        rows: [path],
      },
      inputFolders: {},
    });
    return inspectionSchema.parse(answer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const DEFAULT_LENGTH = 512;
const MOST_TOKENS = 512;
