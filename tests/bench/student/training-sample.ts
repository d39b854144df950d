import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readTokens, type TokenTable } from '#datasets/tokens/tokens.ts';
import { openSession } from '#stages/onnx/session.ts';
import { prepare } from '#stages/prepare/index.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import type { Tensorflow } from '#stages/tensorflow/runtime.ts';
import type { Stepper } from '#stages/tensorflow/step-program.ts';
import { createExecutor } from '#stages/train-student/executor.ts';
import { settingsOf, trainStudentConfig } from '#stages/train-student/settings.ts';
import { transferSetOf } from '#stages/train-student/start/learned-rows.ts';
import { type StudentSetup, setUpStudent } from '#stages/train-student/student-setup.ts';
import { readTrainingInputs, type TrainingInputs } from '#stages/train-student/training-inputs.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';
import { sampleFolder } from '#tests/support/paths.ts';
import { sampleFiles } from '#tests/support/prepare-run.ts';
import { runStage } from '#tests/support/run-stage.ts';

/** Some rows of the shipped sample with what its teacher says of them, and a student that learns from these. */
export interface TrainingSample {
  readonly settings: ReturnType<typeof settingsOf>;
  readonly inputs: TrainingInputs;
  readonly transferSet: TransferSet;
  readonly student: StudentSetup;
  /** Rows as the teacher reads them. */
  readonly teacherTokens: TokenTable;
  readonly teacher: Awaited<ReturnType<typeof openSession>>;
  stepper(): Stepper;
}

/** Asks the teacher about so many train rows, once. */
export async function trainingSample(
  tf: Tensorflow,
  rows: number,
  config: Readonly<Record<string, unknown>>,
): Promise<TrainingSample> {
  const prepared = await runStage(prepare, { files: shortened(rows) });
  const teacherFolder = join(sampleFolder('banking77'), 'teacher');
  const model = join(teacherFolder, 'onnx', 'model.onnx');
  const cached = await runStage(softLabel, {
    config: { topK: 10, temperatures: [1, 2], device: 'cpu' },
    files: { model: [model], modelConfig: [join(teacherFolder, 'config.json')] },
    inputs: prepared.outputs,
  });
  const parsed = trainStudentConfig.parse({ device: 'cpu', ...config });
  const settings = settingsOf(parsed);
  const inputs = await readTrainingInputs({
    config: parsed,
    files: {},
    inputs: { ...prepared.outputs, ...cached.outputs },
    outputs: { checkpoints: mkdtempSync(join(tmpdir(), 'decant-bench-')) },
    earlier: [],
    recipe: {},
    recomputeTeacher: false,
    signal: new AbortController().signal,
  });
  const transferSet = await transferSetOf(inputs, settings, 2);
  const student = await setUpStudent(settings, inputs, transferSet, {
    tokenizer: prepared.outputs['tokenizer/student'] ?? '',
    initFrom: undefined,
    initialise: undefined,
    softLoss: undefined,
  });
  return {
    settings,
    inputs,
    transferSet,
    student,
    teacherTokens: await readTokens(prepared.outputs['tokens/teacher/train'] ?? ''),
    teacher: await openSession(model, { device: 'cpu' }),
    stepper: () => createExecutor(tf, student.program, settings).stepper,
  };
}

/** The files of the sample, each cut after some lines. */
function shortened(rows: number): Record<string, readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'decant-bench-'));
  const files = Object.entries(sampleFiles('banking77'));
  return Object.fromEntries(
    files.map(([name, paths]) => {
      if (!['train', 'validation', 'test'].includes(name)) return [name, paths];
      const kept = name === 'train' ? rows / paths.length : 32;
      return [name, paths.map((path) => firstLines(path, kept, folder))];
    }),
  );
}

function firstLines(path: string, count: number, folder: string): string {
  const target = join(folder, basename(path));
  // One more for the head of a table.
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, count + 1);
  writeFileSync(target, `${lines.join('\n')}\n`);
  return target;
}
