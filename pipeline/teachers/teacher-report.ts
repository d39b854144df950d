import { isLanguageModel, type Task } from '#datasets/task.ts';
import { firstOf, textTable, withoutControls } from '#pipeline/display/text-table.ts';
import { formatCount } from '#pipeline/observers/progress.ts';
import type { GraphValue } from '#stages/onnx/model-skim.ts';
import type { Inspection } from '#stages/soft-label/inspect-teacher.ts';
import { evenly, type InspectedRows } from './inspected-rows.ts';
import type { TeacherFacts } from './teacher-facts.ts';
import type { TeacherFiles } from './teacher-files.ts';
import type { Skill } from './teacher-skill.ts';

/** What `decant teacher check` has found out. */
export interface TeacherReport {
  readonly files: TeacherFiles;
  readonly facts: TeacherFacts;
  readonly shown: InspectedRows;
  readonly inspection: Inspection;
  /** Tokens at which the configuration cuts texts, and at which they were cut here. */
  readonly wanted: number;
  readonly maxLength: number;
  readonly skill: Skill | undefined;
}

/** What was found, for a terminal. */
export function reportAsText(report: TeacherReport): string {
  const { files, facts, inspection } = report;
  const { task, classes, tokenizer, wordRows, license } = facts;
  const lines: readonly (readonly [name: string, value: string])[] = [
    [
      'model',
      `${files.model[0] ?? ''}, opset ${facts.opset}, ${formatCount(facts.parameters)} weights`,
    ],
    ['inputs', facts.inputs.map(describeValue).join(', ')],
    ['outputs', facts.outputs.map(describeValue).join(', ')],
    [
      'classes',
      `${formatCount(classes.classNames.length)}: ${withoutControls(firstOf(classes.classNames, ', '))}`,
    ],
    ...(tokenizer === undefined
      ? []
      : [
          [
            'tokenizer',
            `${tokenizer.kind}, ${formatCount(tokenizer.size)} ids; the model knows ${wordRows === undefined ? 'an unknown number' : formatCount(wordRows)}`,
          ] as const,
          ['longest input', lengthLine(report)] as const,
        ]),
    ['licence', license === undefined ? 'not told' : `${license.name} (${license.file})`],
    ['runs with', `${inspection.runtime} on ${inspection.provider}`],
    skillLine(report),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    ...lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    '',
    textTable(
      ['text', SHOWS[task] ?? 'label', 'says', task === 'regression' ? 'value' : 'probability'],
      samplesOf(report).map((one) => [
        shortened(one.text),
        one.label ?? '-',
        one.says,
        one.probability.toFixed(3),
      ]),
    ),
  ].join('\n');
}

function describeValue({ name, type, shape }: GraphValue): string {
  return `${name} ${type ?? 'of unknown type'} [${shape?.join(', ') ?? 'unknown shape'}]`;
}

function lengthLine({ facts, maxLength, shown, inspection }: TeacherReport): string {
  const positions = facts.positions === undefined ? 'unknown' : formatCount(facts.positions);
  const share = `${formatCount(inspection.truncated)} of ${formatCount(shown.rows.length)} texts`;
  return `${positions} tokens; cut at ${formatCount(maxLength)} (${share})`;
}

function skillLine({ skill, shown, facts: { task } }: TeacherReport): SkillLine {
  const share = (value: number) => `${(100 * value).toFixed(1)} %`;
  if (skill === undefined) {
    return isLanguageModel(task)
      ? ['accuracy', 'no text has enough tokens to be asked for one']
      : ['accuracy', 'no labelled rows: run it where your decant.yaml is'];
  }
  const of = `${formatCount(skill.rows)} labelled ${shown.source} rows`;
  if ('microF1' in skill) {
    const { microF1, meanAveragePrecision: ranked, sameLabelsF1 } = skill;
    const area = ranked === null ? '' : `; PR-AUC ${share(ranked)}`;
    const told = `${share(microF1)} of ${of}${area}; always the same labels: ${share(sameLabelsF1)}`;
    return ['micro-F1', told];
  }
  if ('pearson' in skill) {
    const { pearson, rSquared } = skill;
    const told = `${numberOf(pearson)} of ${of}; R² ${numberOf(rSquared)}, 0 of always their mean`;
    return ['Pearson', told];
  }
  const { accuracy, rows, majority } = skill;
  return isLanguageModel(task)
    ? [
        'accuracy',
        `${share(accuracy)} of ${formatCount(rows)} tokens, one in the middle of each ${shown.source} text; always the most frequent of them: ${share(majority)}`,
      ]
    : [
        'accuracy',
        `${share(accuracy)} of ${of}; always the most frequent class: ${share(majority)}`,
      ];
}

type SkillLine = readonly [name: string, value: string];

function numberOf(value: number | null): string {
  return value === null ? 'unknown, as one side never changes' : value.toFixed(2);
}

function samplesOf({ facts, shown, inspection }: TeacherReport) {
  const predictions = [...inspection.predictions.entries()];
  return evenly(predictions, SAMPLES).map(([index, { classId, probability, place }]) => {
    // In words: names of pieces, such as Ġcard, are none.
    if (place !== undefined) {
      const { text, gold, says } = place;
      return { text, label: gold, says, probability };
    }
    const { text = '', textPair = null, label = null } = shown.rows[index] ?? {};
    const says = facts.classes.classNames[classId] ?? '';
    return { text: textPair === null ? text : `${text} | ${textPair}`, label, says, probability };
  });
}

/** What a person should know before this teacher is asked about a whole corpus. */
export function warningsOf({ facts, skill, inspection, wanted }: TeacherReport): string[] {
  const { task } = facts;
  const warnings: string[] = [];
  const ignorance = skill && skill.rows > 0 ? ignoranceOf(skill, task) : undefined;
  if (ignorance !== undefined) warnings.push(ignorance);
  if (skill !== undefined && skill.unknownLabels.length > 0) {
    const labels = firstOf(
      skill.unknownLabels.map((label) => `"${label}"`),
      ', ',
    );
    const which =
      task === 'regression'
        ? 'of another number of values than it has outputs'
        : 'that are no class of the teacher';
    warnings.push(`labels ${which}: ${labels}; their rows were left out`);
  }
  if (inspection.looksLikeProbabilities) {
    warnings.push(
      task === 'multi-label'
        ? 'its output looks like probabilities: export it without the sigmoid, students learn from logits'
        : 'its output looks like probabilities: export it without the softmax, temperatures need logits',
    );
  }
  if (saysOneThing(inspection)) {
    warnings.push('it says the same of every text: its weights may be those of another model');
  }
  if (facts.positions !== undefined && wanted > facts.positions) {
    warnings.push(
      `teacher.maxLength is ${wanted}, the model has ${facts.positions} positions: longer texts would fail`,
    );
  }
  return warnings;
}

/** What is wrong with a teacher that says hardly more than somebody who reads nothing. */
function ignoranceOf(skill: Skill, task: Task): string | undefined {
  if ('microF1' in skill) {
    return skill.microF1 < skill.sameLabelsF1 + MARGIN
      ? 'the teacher hardly knows these labels: its micro-F1 is less than 5 points above that of always saying the same ones; check the order of its classes, and that a logit above 0 is a yes'
      : undefined;
  }
  if ('pearson' in skill) return ignoranceOfNumbers(skill);
  if (skill.accuracy >= skill.majority + MARGIN) return undefined;
  return isLanguageModel(task)
    ? 'the teacher hardly knows this language: it names the right token less than 5 points more often than who always says the most frequent one; check that tokenizer.json is that of the model, or take another one'
    : 'the teacher hardly knows this task: its accuracy is less than 5 points above that of always saying the most frequent class; check the order of its classes, or take another one';
}

/** Where the labels never change nothing can be told. */
function ignoranceOfNumbers({
  pearson,
  rSquared,
}: Extract<Skill, { readonly pearson: number | null }>): string | undefined {
  if (rSquared === null) return undefined;
  if (pearson === null || pearson < 0 || pearson ** 2 <= MARGIN) {
    return 'the teacher hardly knows this task: its numbers tell at most 5 % of the variance of the labels; check which output is which, or take another one';
  }
  return rSquared <= MARGIN
    ? `its numbers go with the labels (Pearson ${pearson.toFixed(2)}) and lie elsewhere: they are hardly nearer than the mean of the labels (R² ${rSquared.toFixed(2)}). Students learn them as they are: check the scale of model and labels`
    : undefined;
}

/** But for the last bits, which depend on the batch. */
function saysOneThing({ predictions: [first, ...others] }: Inspection): boolean {
  return (
    first !== undefined &&
    others.length > 0 &&
    others.every(
      ({ classId, probability }) =>
        classId === first.classId && Math.abs(probability - first.probability) < 1e-5,
    )
  );
}

/** The same for scripts; its form is versioned. */
export function reportAsJson(report: TeacherReport): object {
  const { files, facts, shown, inspection, maxLength, skill } = report;
  const { classes, maskId: _ofVocabulary, ...rest } = facts;
  return {
    schemaVersion: 1,
    model: files.model[0],
    ...rest,
    classes: classes.classNames,
    maxLength,
    truncated: inspection.truncated,
    provider: inspection.provider,
    runtime: inspection.runtime,
    rows: { source: shown.source, count: shown.rows.length },
    skill,
    samples: samplesOf(report),
    warnings: warningsOf(report),
  };
}

function shortened(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

/** What stands in place of a label. */
const SHOWS: Partial<Record<Task, string>> = { 'causal-lm': 'next', 'masked-lm': 'hidden' };

const SAMPLES = 8;
const SHOWN = 60;
/** 5 points. */
const MARGIN = 0.05;
