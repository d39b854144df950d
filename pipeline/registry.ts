import { chooseStudent } from '#stages/choose-student/index.ts';
import { controlLabels } from '#stages/control-labels/index.ts';
import { evaluate } from '#stages/evaluate/index.ts';
import { exportStudent } from '#stages/export-student/index.ts';
import { fitHead } from '#stages/fit-head/index.ts';
import { hardRelabel } from '#stages/hard-relabel/index.ts';
import { operatingPoint } from '#stages/operating-point/index.ts';
import { prepare } from '#stages/prepare/index.ts';
import { report } from '#stages/report/index.ts';
import { seedSpread } from '#stages/seed-spread/index.ts';
import { calibrate } from '#stages/soft-label/calibrate.ts';
import { checkTeacher } from '#stages/soft-label/check-teacher.ts';
import { softLabel } from '#stages/soft-label/index.ts';
import { inspectTeacher } from '#stages/soft-label/inspect-teacher.ts';
import { trainStudent } from '#stages/train-student/index.ts';
import { checkLoss } from '#stages/train-student/losses/check-loss.ts';
import type { AnyStage } from './wiring/graph.ts';

/** Every stage of the pipeline, in the order they usually run. Add yours here. */
export const stages: readonly AnyStage[] = [
  prepare,
  fitHead,
  softLabel,
  trainStudent,
  chooseStudent,
  operatingPoint,
  hardRelabel,
  controlLabels,
  evaluate,
  seedSpread,
  exportStudent,
  report,
];

/** Is there a stage of this name, whether or not a configuration has one? */
export function isStageName(name: string): boolean {
  return stages.some((stage) => stage.name === name);
}

/** What a host can run besides: they look ahead, or at what a run has made, and are no part of it. */
const besides: readonly AnyStage[] = [calibrate, checkTeacher, inspectTeacher, checkLoss];

/** The stage of a name that came from our own graph. */
export function stageNamed(name: string): AnyStage {
  const stage = [...stages, ...besides].find((candidate) => candidate.name === name);
  if (stage === undefined) throw new Error(`no stage ${name} in the registry`);
  return stage;
}
