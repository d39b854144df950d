import { type AnyMetrics, isOfValues } from '#datasets/metrics.ts';
import type { Answered, ChosenPoint } from '#datasets/operating-point.ts';

/** What the card says of a student that may abstain; nothing of one that always answers. */
export function operatingPointSection({
  metrics,
  operatingPoint,
}: {
  readonly metrics: AnyMetrics;
  readonly operatingPoint: ChosenPoint | undefined;
}): string {
  if (operatingPoint === undefined) return '';
  const { validation, temperature, rowsForOwn, sharing } = operatingPoint;
  const test = isOfValues(metrics) ? undefined : metrics.operatingPoint;
  const shared =
    rowsForOwn === null || sharing.length === 0
      ? ''
      : ` Classes that fewer than ${rowsForOwn} validation rows were said to be of share a threshold: ${sharing.length} of them.`;
  return `## Operating point

Goal: \`${validation.goal}\`, on validation rows. Logits are divided by ${temperature.toPrecision(3)}, and where the student is less sure of a class than \`decant.operating_point\` of config.json asks, \`decant predict\` and \`decant/student\` say that it abstains. Other programs know nothing of it.${shared}

| split | answered | of them right |
|---|---|---|
${[line('validation', validation), ...(test === undefined ? [] : [line('test', test)])].join('\n')}

`;
}

function line(split: string, { rows, answered, right }: Answered): string {
  const precision = answered === 0 ? 'none answered' : percent(right / answered);
  return `| ${split}, ${rows.toLocaleString('en-US')} rows | ${percent(answered / Math.max(1, rows))} | ${precision} |`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
