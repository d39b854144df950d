// Makes the files beside it, of /usr/share/asterisk/sounds with the packages that SOURCE.md names:
// node --import ./cache/loader/register.mjs tests/golden/speech/make-frames.ts SOUNDS
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { logMel } from '#tests/support/log-mel.ts';

const VOICES = {
  english: 'en_US_f_Allison',
  spanish: 'es_MX_f_Allison',
  french: 'fr_CA_f_June',
  italian: 'it_IT_m_Carlo',
  russian: 'ru_RU_f_IvrvoiceRU',
};
const PROMPTS = { train: 84, validation: 14, test: 42 };

const [sounds = '.'] = process.argv.slice(2);
const digestOf = (prompt: string) => createHash('sha256').update(prompt).digest('hex');
const names = readdirSync(join(sounds, VOICES.english), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.wav'))
  .map((name) => name.slice(0, -'.wav'.length))
  .sort((one, other) => (digestOf(one) < digestOf(other) ? -1 : 1));

/** The prompt in all languages; undefined where one of them lacks it or is shorter than a second. */
function rowsOf(prompt: string) {
  const rows = Object.entries(VOICES).flatMap(([language, voice]) => {
    const path = join(sounds, voice, `${prompt}.wav`);
    const frames = existsSync(path) ? logMel(readFileSync(path)) : undefined;
    return frames === undefined ? [] : [{ id: `${language}/${prompt}`, language, frames }];
  });
  return rows.length === Object.keys(VOICES).length ? rows : undefined;
}

let next = 0;
for (const [split, count] of Object.entries(PROMPTS)) {
  const lines: string[] = [];
  for (let taken = 0; taken < count && next < names.length; next++) {
    const rows = rowsOf(names[next] ?? '');
    if (rows === undefined) continue;
    taken++;
    lines.push(...rows.map((row) => `${JSON.stringify(row)}\n`));
  }
  writeFileSync(join(import.meta.dirname, `${split}.jsonl.gz`), gzipSync(lines.join(''), { level: 9 }));
}
