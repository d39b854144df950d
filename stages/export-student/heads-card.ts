import type { Metrics } from '#datasets/metrics/metrics.ts';
import { plain, shownShare } from './card-text.ts';

/** What the card tells of a further head of the student. */
export interface HeadFacts {
  readonly name: string;
  readonly classNames: readonly string[];
  /** Of the head's own test rows. */
  readonly metrics: Metrics;
  /** Null where no validation row has a class. */
  readonly validationAccuracy: number | null;
  /** Between the trainer's logits and those of the exported graph. */
  readonly maxDifference: number;
  readonly teacherLicense?: string | undefined;
  readonly corpusLicense?: string | undefined;
}

/** A row a head; nothing of a student with one task. */
export function headsSection(heads: readonly HeadFacts[]): string {
  const [first] = heads;
  if (first === undefined) return '';
  const rows = heads.map(({ name, classNames, metrics, validationAccuracy }) =>
    [
      `\`${name}\``,
      classNames.length,
      metrics.rows.toLocaleString('en-US'),
      shownShare(metrics.accuracy),
      shownShare(metrics.macroF1),
      shownShare(metrics.agreement),
      shownShare(metrics.expectedCalibrationError),
      shownShare(validationAccuracy),
    ].join(' | '),
  );
  const classes = heads.map(
    ({ name, classNames }) => `- \`${name}\`: ${classNames.map(plain).join(', ')}`,
  );
  const difference = Math.max(...heads.map(({ maxDifference }) => maxDifference));
  return `## Further tasks

The same encoder answers these tasks too, each measured on test rows of its own. The figures above are of its first task. transformers loads that one; the weights of the others are in \`heads.safetensors\`, and \`onnx/model.onnx\` has an output for each (\`decant.heads\` of config.json names it), equal to the trainer's within ${difference.toExponential(1)}.

| head | classes | test rows | accuracy | macro-F1 | agreement with its teacher | calibration error | accuracy, validation |
|---|---|---|---|---|---|---|---|
${rows.map((row) => `| ${row} |`).join('\n')}

${classes.join('\n')}

\`\`\`
npx decant predict --student . --head ${first.name}
\`\`\`

`;
}
