import { type Artifact, outputFolder } from '#cache/artifact-store.ts';
import { type Choice, FIGURES, readChoice, reasonOf, shownValue } from '#datasets/choice.ts';
import { formatBytes } from '#pipeline/observers/progress.ts';
import { textTable } from './text-table.ts';

/** Which student was taken for an `auto` variant. */
export interface ChoiceOutcome {
  readonly variant: string;
  readonly choice: Choice;
}

/** The choices among the fresh artifacts of a run. */
export async function choicesIn(
  artifacts: ReadonlyMap<string, Artifact>,
): Promise<ChoiceOutcome[]> {
  const choices: ChoiceOutcome[] = [];
  for (const [instance, { folder }] of artifacts) {
    const [stage, variant] = instance.split(':');
    if (stage !== 'choose-student' || variant === undefined) continue;
    choices.push({ variant, choice: await readChoice(outputFolder(folder, 'choice')) });
  }
  return choices;
}

/** Accuracy, size and latency of the candidates, which one is recommended and why. */
export function describeChoice(
  { variant, choice }: ChoiceOutcome,
  latencyMs: (name: string) => number | undefined,
): string {
  const { figure, candidates, chosen } = choice;
  const rows = candidates.map(({ name, value, standardError, fileBytes }) => {
    const ms = latencyMs(name);
    return [
      name,
      `${shownValue(figure, value)} ± ${shownValue(figure, standardError)}`,
      formatBytes(fileBytes),
      ms === undefined ? '-' : `${ms.toFixed(2)} ms`,
      name === chosen ? 'recommended' : '',
    ];
  });
  const columns = [variant, `validation ${FIGURES[figure]}`, 'file', 'latency p50', ''];
  return `${textTable(columns, rows)}\n${reasonOf(choice)}`;
}
