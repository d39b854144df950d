import type { InitialisationRecord } from '#datasets/initialisation.ts';
import { type AnyMetrics, isOfValues } from '#datasets/metrics.ts';
import type { ChosenPoint } from '#datasets/operating-point.ts';
import type { RecommendedFile } from '#stages/students/deployment.ts';
import { MODEL_FILES } from '#stages/students/student-folder.ts';
import { cardKind } from './card-kind.ts';
import { plain, shownShare } from './card-text.ts';
import { type HeadFacts, headsSection } from './heads-card.ts';
import { operatingPointSection } from './operating-point-card.ts';
import { keepsGoal, type QuantizedFile } from './quantized-file.ts';
import { measuredValues } from './value-card.ts';

/** What the card of an exported student tells. */
export interface CardFacts {
  readonly metrics: AnyMetrics;
  readonly architecture: string;
  readonly modelType: string;
  readonly classNames: readonly string[];
  readonly maxDifference: number;
  readonly probeInputs: number;
  /** On labelled validation rows; null where there are none. */
  readonly validationAccuracy: number | null;
  readonly int8: QuantizedFile | undefined;
  readonly operatingPoint: ChosenPoint | undefined;
  /** How it cuts long texts, where it is not by truncation. */
  readonly longTexts: string | undefined;
  readonly teacherLicense: string | undefined;
  /** By name; empty where not stated. */
  readonly furtherLicenses: Readonly<Record<string, string>>;
  readonly corpusLicense: string | undefined;
  /** Variant whose student this one started from. */
  readonly startsFrom: string | undefined;
  /** Undefined for a student whose weights started at random, or as those of another student. */
  readonly initialisation: InitialisationRecord | undefined;
  /** Further tasks of the same encoder. */
  readonly heads: readonly HeadFacts[];
}

/** README.md of the directory: Hugging Face's model card, with its YAML head. */
export function modelCard(facts: CardFacts): string {
  const { metrics, architecture, classNames } = facts;
  const kind = cardKind(facts);
  return `---
${kind.head}
tags:
  - knowledge-distillation
  - ${kind.tag}
  - onnx
metrics:
${kind.metrics.map((name) => `  - ${name}`).join('\n')}
---

# ${plain(metrics.name)}

A small ${kind.name} (\`${plain(architecture)}\`, ${metrics.parameters?.toLocaleString('en-US') ?? 'unknown'} parameters, ${classNames.length} ${kind.outputs}), trained by offline knowledge distillation with Decant: a large teacher read every training ${kind.row} once, and this student learned from the ${kind.said} that it gave.

## Measured

On ${metrics.rows.toLocaleString('en-US')} ${kind.unit === 'tokens' ? '' : 'labelled '}test ${kind.unit} that took no part in training, in the choice of the weights or in relabelling.

| figure | value |
|---|---|
${measured(facts)
  .map(([name, value]) => `| ${name} | ${value} |`)
  .join('\n')}

Figures are of this corpus' test split; other ${kind.row}s may fare worse.${kind.outputs === 'classes' ? ' A class that is not in the list below cannot be predicted.' : ''}

${headsSection(facts.heads)}${filesSection(facts)}${operatingPointSection(facts)}## How it was made

\`decant.yaml\` of the run holds every setting. ${startOf(facts)} \`onnx/model.onnx\` repeats the trainer's logits on ${facts.probeInputs} inputs within ${facts.maxDifference.toExponential(1)}.

## Use

${kind.use}
${facts.longTexts === undefined ? '' : CUT_OTHERWISE}
## Licence

${licences(facts).join('\n')}

${Object.keys(facts.furtherLicenses).length + facts.heads.length === 0 ? 'Both' : 'They'} may bind those who pass this student on.
${listed(kind.outputs, classNames)}`;
}

/** A vocabulary is told by its tokenizer. */
function listed(outputs: 'classes' | 'outputs' | 'tokens', classNames: readonly string[]): string {
  if (outputs === 'tokens') return '';
  const names = classNames.map((name) => `- ${plain(name)}`).join('\n');
  return `\n## ${outputs === 'classes' ? 'Classes' : 'Outputs'}\n\n${names}\n`;
}

/** What the ONNX files are worth, where there are several. */
function filesSection({ metrics, validationAccuracy, int8 }: CardFacts): string {
  if (int8 === undefined) return '';
  const files = [
    { file: 'model.onnx', of: metrics, validationAccuracy },
    { file: 'model_quantized.onnx', of: int8.metrics, validationAccuracy: int8.validationAccuracy },
  ];
  const rows = files.map(({ file, of, validationAccuracy: accuracy }) => {
    const test = isOfValues(of) ? measuredValues(of)[0]?.[1] : shownShare(of.accuracy);
    return `| \`onnx/${file}\` | ${(of.fileBytes / 1e6).toFixed(2)} MB | ${shownShare(accuracy)} | ${test} |`;
  });
  return `## Files

| file | size | accuracy, validation | test |
|---|---|---|---|
${rows.join('\n')}

${recommendation(recommendedFile(int8))}

`;
}

/** Which file to deploy: the smallest that loses at most 0.3 points on validation, of its goal too. */
export function recommendedFile({
  recommended,
  validationAccuracy,
  answered,
}: Pick<QuantizedFile, 'recommended' | 'validationAccuracy' | 'answered'>): RecommendedFile {
  if (recommended) {
    const accuracy = validationAccuracy === null ? [] : ['the accuracy'];
    const kept = [...accuracy, ...(answered === undefined ? [] : [`${answered.goal}`])];
    const because = `the smallest file that keeps ${kept.join(' and ')} on validation within 0.3 points`;
    return { file: MODEL_FILES.int8, because };
  }
  if (answered !== undefined && !keepsGoal(answered)) {
    const because = `int8 weights miss ${answered.goal} on validation, with the thresholds of float32`;
    return { file: MODEL_FILES.float32, because };
  }
  const because =
    validationAccuracy === null
      ? 'no accuracy on validation says whether int8 weights would do'
      : 'int8 weights lose more than 0.3 points of accuracy on validation, or are not smaller';
  return { file: MODEL_FILES.float32, because };
}

/** The same as a sentence of Markdown. */
export function recommendation({ file, because }: RecommendedFile): string {
  return `Recommended: \`${file}\`: ${because}.`;
}

/** Where its weights were before the first step. */
function startOf({ initialisation, startsFrom }: CardFacts): string {
  if (startsFrom !== undefined) {
    return `Its weights started as those of the student "${plain(startsFrom)}" of the same run.`;
  }
  if (initialisation === undefined) return 'Its weights started at random.';
  const { from, name, take, layers, widths, random = [], digests } = initialisation;
  const named = name === undefined ? '' : ` (${plain(name)})`;
  const whose =
    from === 'teacher'
      ? `the teacher${named}`
      : `the model${named} whose file has the SHA-256 \`${digests[0] ?? ''}\``;
  const [before, after] = widths ?? [];
  const narrowed = before === after ? '' : `, narrowed from ${before} to ${after} numbers by SVD`;
  if (take === 'embeddings') {
    return `Its word pieces started as those of ${whose}${narrowed}, all else at random.`;
  }
  const fresh = random.length === 0 ? '' : `; ${random.map(plain).join(', ')} started at random`;
  if (layers === undefined) return `Its weights started as those of ${whose}${fresh}.`;
  return `Its weights started as layers ${layers.join(', ')} of ${whose}, with what is around them${fresh}.`;
}

const CUT_OTHERWISE = `
Of a text that is too long this student learned from the first quarter and the end, and \`decant predict\` cuts it so. Other programs keep the beginning alone: give them texts that are cut like this.
`;

function licences(facts: CardFacts): string[] {
  const { teacherLicense, furtherLicenses, corpusLicense } = facts;
  const further = Object.entries(furtherLicenses).map(([name, license]) =>
    line(`Teacher ${name}`, license || undefined, `teachers.${name}.license`),
  );
  return [
    line('Teacher', teacherLicense, 'teacher.license'),
    ...further,
    line('Corpus', corpusLicense, 'corpus.license'),
    ...facts.heads.flatMap((head) => [
      line(`Teacher of ${head.name}`, head.teacherLicense, `heads.${head.name}.teacher.license`),
      line(`Corpus of ${head.name}`, head.corpusLicense, `heads.${head.name}.corpus.license`),
    ]),
  ];
}

function line(what: string, license: string | undefined, setting: string): string {
  return `- ${plain(what)}: ${plain(license ?? `not stated (set ${setting})`)}`;
}

function measured({ metrics, validationAccuracy }: CardFacts): [string, string][] {
  const file: [string, string] = ['ONNX file', `${(metrics.fileBytes / 1e6).toFixed(2)} MB`];
  if (isOfValues(metrics)) return [...measuredValues(metrics), file];
  const [low, high] = metrics.accuracyInterval;
  const { entities = null } = metrics.words ?? {};
  return [
    [
      'accuracy',
      `${shownShare(metrics.accuracy)} (95 % interval ${shownShare(low)} to ${shownShare(high)})`,
    ],
    ...(entities === null
      ? []
      : [['F1 of entities, micro average', shownShare(entities.f1)] satisfies [string, string]]),
    ['macro-F1', shownShare(metrics.macroF1)],
    ['agreement with the teacher', shownShare(metrics.agreement)],
    ['expected calibration error, 15 bins', shownShare(metrics.expectedCalibrationError)],
    ['negative log-likelihood', `${metrics.negativeLogLikelihood.toFixed(3)} nats`],
    ['accuracy on the validation split', shownShare(validationAccuracy)],
    file,
  ];
}
