import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { BadTokenizerError } from './tokenizer-json.ts';

/** A tokenizer.json that was put together from the files of a slow tokenizer. */
export interface BuiltTokenizer {
  /** Contents of tokenizer.json. */
  readonly json: string;
  /** The files that it came from, for people. */
  readonly from: string;
}

/**
 * What `save_pretrained` of the fast tokenizer would write as tokenizer.json, from vocab.txt (WordPiece)
 * or vocab.json and merges.txt (byte-level BPE) and the settings beside them; undefined without either.
 */
export async function buildTokenizer(folder: string): Promise<BuiltTokenizer | undefined> {
  const has = (name: string) => existsSync(join(folder, name));
  const settings = await readSettings(folder);
  if (has('vocab.txt')) {
    const text = await readFile(join(folder, 'vocab.txt'), 'utf8');
    const json = JSON.stringify(wordPiece(text, settings, folder));
    return {
      json,
      from: `vocab.txt (WordPiece, ${settings.do_lower_case ? 'lower case' : 'cased'})`,
    };
  }
  if (!has('vocab.json') || !has('merges.txt')) return undefined;
  const vocabulary = await readJson(folder, 'vocab.json', z.record(z.string(), z.int()));
  const merges = await readFile(join(folder, 'merges.txt'), 'utf8');
  const json = JSON.stringify(byteLevel(vocabulary ?? {}, merges, settings));
  return { json, from: 'vocab.json and merges.txt (byte-level BPE)' };
}

type Vocabulary = Readonly<Record<string, number>>;

/** As BertTokenizerFast. */
function wordPiece(text: string, settings: Settings, folder: string): object {
  const vocabulary = Object.fromEntries(linesOf(text).map((token, id) => [token, id]));
  const special = {
    pad: settings.pad_token ?? '[PAD]',
    unk: settings.unk_token ?? '[UNK]',
    cls: settings.cls_token ?? '[CLS]',
    sep: settings.sep_token ?? '[SEP]',
    mask: settings.mask_token ?? '[MASK]',
  };
  const place = (token: string) => {
    const id = vocabulary[token];
    if (id !== undefined) return id;
    throw new BadTokenizerError(join(folder, 'vocab.txt'), `it has no "${token}"`);
  };
  const inText = (token: string, type: number) => ({ SpecialToken: { id: token, type_id: type } });
  const sequence = (id: 'A' | 'B', type: number) => ({ Sequence: { id, type_id: type } });
  const single = [inText(special.cls, 0), sequence('A', 0), inText(special.sep, 0)];
  const processed = (token: string) => ({ id: token, ids: [place(token)], tokens: [token] });
  place(special.unk);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary, Object.values(special), settings),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: settings.tokenize_chinese_chars,
      strip_accents: settings.strip_accents,
      lowercase: settings.do_lower_case,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, sequence('B', 1), inText(special.sep, 1)],
      special_tokens: {
        [special.cls]: processed(special.cls),
        [special.sep]: processed(special.sep),
      },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: special.unk,
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: vocabulary,
    },
  };
}

/** As RobertaTokenizerFast where there are tokens for beginning and end, else as GPT2TokenizerFast. */
function byteLevel(vocabulary: Vocabulary, mergesText: string, settings: Settings): object {
  const known = (token: string) => (Object.hasOwn(vocabulary, token) ? token : undefined);
  const cls = settings.cls_token ?? known('<s>');
  const sep = settings.sep_token ?? known('</s>');
  const [clsId, sepId] = [vocabulary[cls ?? ''], vocabulary[sep ?? '']];
  const special = [
    cls,
    settings.pad_token ?? known('<pad>'),
    sep,
    settings.unk_token ?? known('<unk>') ?? known('<|endoftext|>'),
    settings.mask_token ?? known('<mask>'),
  ].flatMap((token) => token ?? []);
  const prefix = settings.add_prefix_space;
  const postProcessor =
    clsId === undefined || sepId === undefined
      ? { type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true }
      : {
          type: 'RobertaProcessing',
          sep: [sep, sepId],
          cls: [cls, clsId],
          trim_offsets: true,
          add_prefix_space: prefix,
        };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(vocabulary, special, settings),
    normalizer: null,
    pre_tokenizer: {
      type: 'ByteLevel',
      add_prefix_space: prefix,
      trim_offsets: true,
      use_regex: true,
    },
    post_processor: postProcessor,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      vocab: vocabulary,
      merges: linesOf(mergesText).filter(
        (line, index) => !(index === 0 && line.startsWith('#version')),
      ),
    },
  };
}

/** Special tokens and those that were added later, by id; a text that contains one is not cut there. */
function addedTokens(
  vocabulary: Vocabulary,
  special: readonly string[],
  settings: Settings,
): object[] {
  const declared = Object.entries(settings.added_tokens_decoder).map(([id, token]) => ({
    id: Number(id),
    ...token,
  }));
  const later = Object.entries(settings.addedTokens).map(([content, id]) => ({
    ...addedToken.parse({ content, special: false, normalized: true }),
    id,
  }));
  const found = special.flatMap((content) => {
    const id = vocabulary[content] ?? settings.addedTokens[content];
    // A mask stands for a word with the space before it.
    const lstrip = content === '<mask>';
    return id === undefined ? [] : [{ id, ...addedToken.parse({ content, lstrip }) }];
  });
  const byId = new Map([...later, ...found, ...declared].map((token) => [token.id, token]));
  return [...byId.values()].sort((a, b) => a.id - b.id);
}

/** Lines as Python reads them; the end of the last one begins no further line. */
function linesOf(text: string): string[] {
  const lines = text.split(/\r\n|\n|\r/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

async function readSettings(folder: string): Promise<Settings> {
  const map = await readJson(folder, 'special_tokens_map.json', specialTokens);
  const config = await readJson(folder, 'tokenizer_config.json', tokenizerConfig);
  const addedTokens = await readJson(folder, 'added_tokens.json', z.record(z.string(), z.int()));
  const given = Object.entries({ ...config }).filter(([, value]) => value !== undefined);
  const settings = { ...map, ...Object.fromEntries(given) };
  return { ...tokenizerConfig.parse(settings), addedTokens: addedTokens ?? {} };
}

async function readJson<T>(
  folder: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const detail = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new BadTokenizerError(path, detail);
  }
}

/** Written as a string, or with its properties. */
const token = z
  .union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)])
  .nullish()
  .transform((content) => content ?? undefined);

const tokenFields = {
  pad_token: token,
  unk_token: token,
  cls_token: token,
  sep_token: token,
  mask_token: token,
};

const specialTokens = z.object(tokenFields);

const addedToken = z.object({
  content: z.string(),
  single_word: z.boolean().default(false),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  normalized: z.boolean().default(false),
  special: z.boolean().default(true),
});

const tokenizerConfig = z.object({
  ...tokenFields,
  // The defaults of BertTokenizer and RobertaTokenizer.
  do_lower_case: z.boolean().default(true),
  strip_accents: z.boolean().nullable().default(null),
  tokenize_chinese_chars: z.boolean().default(true),
  add_prefix_space: z.boolean().default(false),
  added_tokens_decoder: z.record(z.string(), addedToken).default({}),
});

type Settings = z.infer<typeof tokenizerConfig> & {
  /** added_tokens.json: ids behind the vocabulary. */
  readonly addedTokens: Readonly<Record<string, number>>;
};
