import { Failure } from '#cache/failure.ts';
import type { Task } from '#datasets/task.ts';
import { contextOfHead } from '#stages/folders.ts';
import type { StageContext } from '#stages/stage.ts';
import type { TaskHead } from '#stages/students/student.ts';
import { describeSchedule } from '#stages/train-student/settings/schedules.ts';
import type { Settings, TrainStudentConfig } from '#stages/train-student/settings.ts';
import { transferSetOf } from '#stages/train-student/start/learned-rows.ts';
import { temperaturePlan } from '#stages/train-student/targets/temperatures.ts';
import {
  closeTrainingInputs,
  readTrainingInputs,
  type TrainingInputs,
} from '#stages/train-student/training-inputs.ts';
import type { TransferSet } from '#stages/train-student/transfer-set.ts';

/** What a further head learns from. */
export interface HeadInputs {
  readonly name: string;
  /** How much its loss and its validation score count; those of the first head count 1. */
  readonly weight: number;
  /** Undefined: it names one class. */
  readonly task: Task | undefined;
  readonly inputs: TrainingInputs;
}

/** The soft targets of the rows move with the temperature, and each head has rows of its own. */
export class HeadTemperatureError extends Failure {
  constructor(temperature: Settings['temperature']) {
    super(
      'usage',
      'E_HEAD_TEMPERATURE',
      `temperature: ${describeSchedule(temperature)} wants other soft targets at each of its values, and a student with heads opens the rows of each head once`,
      'set one temperature, or keep every logit: soft-label.keep: all',
    );
  }
}

/** Reads the inputs of all further heads, which go by `heads/NAME/` before their usual names. `closeHeadInputs` closes them. */
export async function readHeadInputs(
  context: StageContext<TrainStudentConfig>,
): Promise<HeadInputs[]> {
  const read: HeadInputs[] = [];
  try {
    for (const [name, { weight, task }] of Object.entries(context.config.taskHeads ?? {})) {
      const own = contextOfHead(context, name);
      const config = { ...own.config, task };
      read.push({ name, weight, task, inputs: await readTrainingInputs({ ...own, config }) });
    }
    return read;
  } catch (error) {
    await closeHeadInputs(read);
    throw error;
  }
}

/** The head as the student has it. */
export function taskHeadOf({ name, inputs }: HeadInputs): TaskHead {
  return { name, classCount: inputs.classNames.length };
}

/** Closes all that reading has left open. */
export async function closeHeadInputs(heads: readonly HeadInputs[]): Promise<void> {
  for (const { inputs } of heads) await closeTrainingInputs(inputs);
}

/** The train rows of a head, with soft targets of the one temperature that there is. */
export async function rowsOfHead(inputs: TrainingInputs, settings: Settings): Promise<TransferSet> {
  const { first, others } = temperaturePlan(inputs, settings);
  if (others.length > 0) throw new HeadTemperatureError(settings.temperature);
  return transferSetOf(inputs, settings, first);
}
