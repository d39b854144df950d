import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import type { TokenizerJson } from '#datasets/tokens/tokenizer-json.ts';

/** A task needs a token that the files of the teacher do not name. */
export class NoSuchTokenError extends Failure {
  constructor(what: string, path: string, fix: string) {
    super('model', 'E_TEACHER_TOKEN', `${path}: it names no ${what}`, fix);
  }
}

/** Id of the token that hides another: what special_tokens_map.json calls so, else [MASK] or <mask>. */
export async function maskTokenIdOf(
  tokenizer: TokenizerJson,
  tokenizerPath: string,
  specialTokensPath: string | undefined,
): Promise<number> {
  const named =
    specialTokensPath === undefined
      ? undefined
      : specialTokensSchema.parse(JSON.parse(await readFile(specialTokensPath, 'utf8'))).mask_token;
  const names = named === undefined ? ['[MASK]', '<mask>'] : [named];
  const token = tokenizer.added_tokens.find(({ content }) => names.includes(content));
  if (token !== undefined) return token.id;
  throw new NoSuchTokenError(
    'mask token',
    tokenizerPath,
    'give a masked language model as teacher, with the tokenizer files that belong to it',
  );
}

/** Id with which a decoder begins: decoder_start_token_id of config.json. */
export async function decoderStartIdOf(configPath: string): Promise<number> {
  const config = configSchema.parse(JSON.parse(await readFile(configPath, 'utf8')));
  if (config.decoder_start_token_id !== undefined) return config.decoder_start_token_id;
  throw new NoSuchTokenError(
    'decoder_start_token_id',
    configPath,
    'use the config.json of an encoder-decoder model, or write into it the id that its decoder begins with (T5: that of <pad>)',
  );
}

const specialTokensSchema = z.looseObject({
  mask_token: z
    .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
    .optional(),
});

const configSchema = z.looseObject({ decoder_start_token_id: z.int().min(0).optional() });
