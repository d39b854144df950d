import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openTokenizer } from '#datasets/tokens/tokenizer.ts';
import { goldenFolder, sampleFolder, sharedFolder } from '#tests/support/paths.ts';

interface TokenizerCase {
  readonly name: string;
  readonly text: string;
  readonly text_pair?: string;
  readonly ids: readonly number[];
}

const golden = join(goldenFolder, 'tokenizers');

for (const [cases, tokenizer] of [
  ['unigram', join(golden, 'unigram.tokenizer.json')],
  ['unigram-charsmap', join(golden, 'unigram-charsmap.tokenizer.json')],
  ['bpe', join(golden, 'bpe.tokenizer.json')],
  ['wordpiece-mini', join(sampleFolder('mini'), 'teacher', 'tokenizer.json')],
  ['wordpiece-banking77', join(sampleFolder('banking77'), 'teacher', 'tokenizer.json')],
] as const) {
  test(`${cases}: hard texts are cut as by the Python tokenizers`, async () => {
    assert.ok((await equalCases(join(golden, `${cases}.cases.json`), tokenizer)) >= 30);
  });
}

const data = join(sharedFolder() ?? '', 'data');

/** Cases that the authors of the tokenizers test their own code with. */
for (const [cases, folder, least] of [
  ['bert-base-uncased', 'bert-base-uncased', 31],
  ['distilbert-uncased-sst2', 'bert-base-uncased', 12],
  ['gpt2', 'gpt2', 26],
] as const) {
  const casesPath = join(data, 'tokenizer-cases', `${cases}.json`);
  const tokenizer = join(data, 'tokenizers', folder, 'tokenizer.json');
  const isThere = existsSync(casesPath) && existsSync(tokenizer);
  test(`the published cases of ${cases} come out equal`, {
    skip: isThere ? false : 'the shared folder with tokenizer cases is absent',
  }, async () => {
    assert.ok((await equalCases(casesPath, tokenizer)) >= least);
  });
}

/** Cuts the text of every case and returns how many there are. */
async function equalCases(casesPath: string, tokenizerPath: string): Promise<number> {
  const cases: TokenizerCase[] = JSON.parse(readFileSync(casesPath, 'utf8'));
  const tokenizer = await openTokenizer(tokenizerPath, 512);
  const inputs = cases.map((one) => ({ text: one.text, textPair: one.text_pair ?? null }));
  const encoded = await tokenizer.encode(inputs);
  assert.deepEqual(
    cases.map(({ name }, index) => [name, encoded[index]?.ids]),
    cases.map(({ name, ids }) => [name, ids]),
  );
  return cases.length;
}
