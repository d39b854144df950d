import type { Split } from '#datasets/example.ts';
import { isValueTask } from '#datasets/task.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { ConfigError } from './config-sources.ts';
import { type InputReference, perSplit } from './graph.ts';

/** Left out where it is the usual one, so that recipes of before it stay what they are. */
export function taskSetting({ task }: DecantConfig): DecantConfig['task'] | undefined {
  return task === 'classification' ? undefined : task;
}

/** Where the tensors of these splits lie; nothing where the rows are texts only. */
export function tensorInputs(
  { corpus }: DecantConfig,
  splits: readonly Split[],
): Record<string, InputReference> {
  return corpus.columns.tensors === undefined ? {} : perSplit(splits, 'prepare', 'inputs');
}

/** Relabelling gives a row one class, which values have not. */
export function requireRelabelTask({ config, file }: LoadedConfig): void {
  if (!isValueTask(config.task)) return;
  const problem = `gives rows one class, and task is ${config.task}: leave out hard-relabel and labels: hard-relabel; unlabelled rows learn from the teacher's numbers as they are`;
  throw new ConfigError(file, [{ path: 'hard-relabel', problem }]);
}
