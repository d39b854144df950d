/**
 * The position of a text's first token. Encoders that follow RoBERTa count from the id of padding plus 1,
 * which is 1 where config.json does not name it; padding itself stands at its own id.
 */
export function firstPositionOf(config: {
  readonly model_type?: string | undefined;
  readonly pad_token_id?: number | null | undefined;
}): number {
  return LIKE_ROBERTA.has(config.model_type ?? '') ? (config.pad_token_id ?? 1) + 1 : 0;
}

/** Values of `model_type` whose positions transformers makes with `create_position_ids_from_input_ids`. */
const LIKE_ROBERTA: ReadonlySet<string> = new Set([
  'camembert',
  'data2vec-text',
  'esm',
  'ibert',
  'longformer',
  'luke',
  'mpnet',
  'roberta',
  'roberta-prelayernorm',
  'xlm-roberta',
  'xlm-roberta-xl',
  'xmod',
]);
