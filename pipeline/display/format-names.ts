/** Formats for people, for scripts and for other programs; the last two are binary. */
export const ANSWER_FORMATS = ['table', 'json', 'jsonl', 'csv', 'arrow', 'parquet'] as const;

export type AnswerFormat = (typeof ANSWER_FORMATS)[number];

/** Formats of an export. */
export const EXPORT_FORMATS = [
  'arrow',
  'parquet',
  'csv',
  'jsonl',
] as const satisfies AnswerFormat[];

export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/** What is piped into `predict`. */
export const INPUT_FORMATS = ['lines', 'csv', 'tsv', 'jsonl'] as const;

export type InputFormat = (typeof INPUT_FORMATS)[number];
