import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { LONG_TEXTS_KEY, type LongTexts } from '#datasets/tokens/long-texts.ts';
import type { TokenizerJson } from '#datasets/tokens/tokenizer-json.ts';
import { TeacherFileError } from './prepare-errors.ts';

type JsonObject = Record<string, unknown>;

/** What the student's tokenizer files are made from. */
export interface TokenizerConfigSources {
  /** The student's tokenizer.json. */
  readonly tokenizer: TokenizerJson;
  /** tokenizer_config.json and special_tokens_map.json of the teacher, where it has them. */
  readonly configPath: string | undefined;
  readonly specialTokensPath: string | undefined;
  readonly maxLength: number;
  readonly longTexts: LongTexts | undefined;
}

/** tokenizer_config.json and special_tokens_map.json that fit the student's tokenizer.json. */
export async function studentTokenizerConfig(
  sources: TokenizerConfigSources,
): Promise<{ config: JsonObject; specialTokens: JsonObject }> {
  const { tokenizer, configPath, specialTokensPath, maxLength, longTexts } = sources;
  const base = configPath === undefined ? builtConfig(tokenizer) : await readJson(configPath);
  const config: JsonObject = {
    ...base,
    added_tokens_decoder: addedTokensDecoder(tokenizer),
    // BertTokenizer would make token_type_ids, which no student has as an input.
    model_input_names: ['input_ids', 'attention_mask'],
    model_max_length: maxLength,
    // Read by `decant predict`; other programs truncate, so the model card says it too.
    ...(longTexts === undefined || longTexts === 'truncate' ? {} : { [LONG_TEXTS_KEY]: longTexts }),
    // Left behind by the last call before saving; transformers would hand it to every later call.
    ...('max_length' in base ? { max_length: maxLength } : {}),
  };
  const specialTokens =
    specialTokensPath === undefined ? roleEntries(config) : await readJson(specialTokensPath);
  return { config, specialTokens };
}

function addedTokensDecoder(tokenizer: TokenizerJson): JsonObject {
  return Object.fromEntries(tokenizer.added_tokens.map(({ id, ...token }) => [String(id), token]));
}

/** For a teacher that came without one: transformers.js fails without this file, and then nothing is cut. */
function builtConfig(tokenizer: TokenizerJson): JsonObject {
  const names = new Set(tokenizer.added_tokens.map((token) => token.content));
  const roles = Object.entries(roleNames).flatMap(([role, candidates]) => {
    const name = candidates.find((candidate) => names.has(candidate));
    return name === undefined ? [] : [[role, name]];
  });
  const isWordPiece = tokenizer.model.type === 'WordPiece';
  return {
    tokenizer_class: isWordPiece ? 'BertTokenizer' : 'PreTrainedTokenizerFast',
    clean_up_tokenization_spaces: false,
    ...(isWordPiece ? { do_lower_case: lowerCases(tokenizer) } : {}),
    ...Object.fromEntries(roles),
  };
}

function lowerCases(tokenizer: TokenizerJson): boolean {
  return normalizerSchema.safeParse(tokenizer['normalizer']).data?.lowercase ?? false;
}

function roleEntries(config: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.keys(roleNames).flatMap((role) => (role in config ? [[role, config[role]]] : [])),
  );
}

async function readJson(path: string): Promise<JsonObject> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new TeacherFileError('tokenizer files', path, detail);
  }
}

const normalizerSchema = z.looseObject({ lowercase: z.boolean().optional() });

const roleNames: Readonly<Record<string, readonly string[]>> = {
  bos_token: ['<s>', '<|endoftext|>'],
  eos_token: ['</s>', '<|endoftext|>'],
  unk_token: ['[UNK]', '<unk>', '<|endoftext|>'],
  sep_token: ['[SEP]', '</s>'],
  pad_token: ['[PAD]', '<pad>'],
  cls_token: ['[CLS]', '<s>'],
  mask_token: ['[MASK]', '<mask>'],
};
