import type { AnyMetrics } from '#datasets/metrics/metrics.ts';
import { type Answered, type ChosenPoint, percent, saidBy } from '#datasets/operating-point.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import { keepsGoal, type QuantizedFile } from './quantized-file.ts';

/** What the card says of a student that may abstain; nothing of one that always answers. */
export function operatingPointSection({
  metrics,
  operatingPoint,
  int8,
}: {
  readonly metrics: AnyMetrics;
  readonly operatingPoint: ChosenPoint | undefined;
  readonly int8: QuantizedFile | undefined;
}): string {
  if (operatingPoint === undefined) return '';
  const { validation, temperature, rowsForOwn, sharing } = operatingPoint;
  const shared =
    rowsForOwn === null || sharing.length === 0
      ? ''
      : ` Classes that fewer than ${rowsForOwn} validation rows ${validation.labels ? 'have' : 'were said to be of'} share a threshold: ${sharing.length} of them.`;
  const files = [
    { file: MODEL_FILES.float32, validation, test: metrics.operatingPoint },
    ...(int8?.answered === undefined
      ? []
      : [{ file: MODEL_FILES.int8, validation: int8.answered, test: int8.metrics.operatingPoint }]),
  ];
  const lines = files.flatMap(({ file, validation: chosen, test }) => {
    const of = files.length > 1 ? ` \`${file}\`,` : '';
    return [
      line(`validation,${of}`, chosen),
      ...(test === undefined ? [] : [line(`test,${of}`, test)]),
    ];
  });
  return `## Operating point

Goal: \`${validation.goal}\`, on validation rows. Logits are divided by ${temperature.toPrecision(3)}, and where the student is less sure of ${validation.labels ? 'an answer' : 'a class'} than \`decant.operating_point\` of config.json asks, \`decant predict\` and \`decant/student\` say that it abstains${validation.labels ? '; a label below its threshold is not said' : ''}. Other programs know nothing of it.${shared}

| split | answered | ${validation.labels ? 'of the labels said right | of all labels found' : 'of them right'} |
|---|---|---|${validation.labels ? '---|' : ''}
${lines.join('\n')}

${int8?.answered === undefined ? '' : withInt8(int8.answered)}`;
}

function withInt8(answered: Answered): string {
  const outcome = keepsGoal(answered) ? 'reach the goal as well' : 'miss the goal';
  return `The thresholds were chosen with float32 weights; int8 weights ${outcome} on validation (within 0.3 points).

`;
}

function line(split: string, answers: Answered): string {
  const { rows, answered, labels } = answers;
  const { said, right } = saidBy(answers);
  const precision = said === 0 ? 'none said' : percent(right, said);
  const found = labels === undefined ? '' : ` ${percent(labels.right, labels.gold)} |`;
  return `| ${split} ${rows.toLocaleString('en-US')} rows | ${percent(answered, rows)} | ${precision} |${found}`;
}
