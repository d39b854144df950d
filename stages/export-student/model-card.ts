import type { InitialisationRecord } from '#datasets/initialisation.ts';
import { figuresIn, leadFigure } from '#datasets/metrics/figures.ts';
import { type AnyMetrics, isOfValues } from '#datasets/metrics/metrics.ts';
import { FIGURE_NAMES, shownFigure } from '#datasets/metrics/value-metrics.ts';
import type { ChosenPoint } from '#datasets/operating-point.ts';
import type { RecommendedFile } from '#stages/students/deployment.ts';
import { cardHead } from './card-head.ts';
import { cardKind } from './card-kind.ts';
import { plain, shownShare } from './card-text.ts';
import { type HeadFacts, headsSection } from './heads-card.ts';
import type { ExportConfig } from './index.ts';
import { operatingPointSection } from './operating-point-card.ts';
import type { QuantizedFile } from './quantized-file.ts';
import { type SplitRows, trainingDataSection } from './training-data.ts';
import type { LeadFigure } from './validation-figure.ts';
import { measuredValues } from './value-card.ts';

/** What the card of an exported student tells. */
export interface CardFacts {
  readonly metrics: AnyMetrics;
  readonly architecture: string;
  readonly modelType: string;
  readonly classNames: readonly string[];
  readonly maxDifference: number;
  readonly probeInputs: number;
  readonly license: string | undefined;
  /** Names of the corpus files and of the teachers. */
  readonly sources: ExportConfig['sources'];
  readonly splits: readonly SplitRows[];
  /** It reads pairs of texts. */
  readonly textPairs: boolean;
  /** On labelled validation rows. */
  readonly validation: LeadFigure;
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
  const rows = metrics.rows.toLocaleString('en-US');
  const head = { metrics, license: facts.license, testFiles: facts.sources?.test ?? [] };
  return `${cardHead(head, kind)}

# ${plain(metrics.name)}

A small ${kind.name} (\`${plain(architecture)}\`, ${metrics.parameters?.toLocaleString('en-US') ?? 'unknown'} parameters, ${classNames.length} ${kind.outputs}), trained by offline knowledge distillation with Decant: a large teacher read every training ${kind.row} once, and this student learned from the ${kind.said} that it gave.

## Intended use

${kind.intended}

${kind.limits} What the teacher gets wrong it may have learned. It was measured on the test split of one corpus: look at it with your own ${kind.row}s before it decides anything about people.

${trainingDataSection({ ...facts, measured: `${rows} ${kind.unit}` })}## Measured

On ${rows} ${kind.unit === 'tokens' ? '' : 'labelled '}test ${kind.unit} that took no part in training, in the choice of the weights or in relabelling.

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
function filesSection({ metrics, validation, int8, heads }: CardFacts): string {
  if (int8 === undefined) return '';
  const files = [
    { file: 'model.onnx', of: metrics, onValidation: validation },
    { file: 'model_quantized.onnx', of: int8.metrics, onValidation: int8.figure },
  ];
  const rows = files.map(
    ({ file, of, onValidation }) =>
      `| \`onnx/${file}\` | ${(of.fileBytes / 1e6).toFixed(2)} MB | ${shown(onValidation)} | ${shown({ name: validation.name, value: figuresIn(of).get(leadFigure(of)) ?? null })} |`,
  );
  const ofHeads = int8.heads.flatMap((quantized) => {
    const float32 = heads.find(({ name }) => name === quantized.name);
    const files: [file: string, onValidation: LeadFigure, of: AnyMetrics | undefined][] = [
      ['model.onnx', quantized.figures.float32, float32?.metrics],
      ['model_quantized.onnx', quantized.figures.int8, quantized.metrics],
    ];
    return files.map(([file, onValidation, of]) => {
      const { name } = onValidation;
      const tested = shown({ name, value: (of && figuresIn(of).get(name)) ?? null });
      const title = name === validation.name ? '' : `${nameOf(onValidation)} `;
      return `| \`onnx/${file}\`, head \`${quantized.name}\` | | ${title}${shown(onValidation)} | ${title}${tested} |`;
    });
  });
  return `## Files

| file | size | ${nameOf(validation)}, validation | test |
|---|---|---|---|
${[...rows, ...ofHeads].join('\n')}

${recommendation(int8.recommended)}

`;
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

function measured({ metrics, validation }: CardFacts): [string, string][] {
  const file: [string, string] = ['ONNX file', `${(metrics.fileBytes / 1e6).toFixed(2)} MB`];
  // Of a language model it is measured only where there is a second file to compare.
  const onValidation: [string, string][] =
    validation.value === null && isOfValues(metrics)
      ? []
      : [[`${nameOf(validation)} on the validation split`, shown(validation)]];
  if (isOfValues(metrics)) return [...measuredValues(metrics), ...onValidation, file];
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
    ...onValidation,
    file,
  ];
}

function nameOf({ name }: LeadFigure): string {
  return FIGURE_NAMES[name] ?? name;
}

function shown({ name, value }: LeadFigure): string {
  return value === null ? 'not measured' : shownFigure(name, value);
}
