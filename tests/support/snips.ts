import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFolder } from './paths.ts';

/** Where the slots of SNIPS lie, or why a test has to do without. */
export const SNIPS = {
  folder: join(sharedFolder() ?? '', 'data', 'snips'),
  skip: sharedFolder() === undefined && 'there is no ../shared with data/snips',
};

/** A sentence of words with the slot of each. */
export interface SlotSentence {
  readonly tokens: string[];
  readonly labels: string[];
}

/** Sentences of some intents, evenly taken: words between spaces, slots as B- and I-. */
export function slotSentences(
  intents: readonly string[],
  part: 'train' | 'validate',
  perIntent: number,
): SlotSentence[] {
  return intents.flatMap((intent) => {
    const file = part === 'train' ? `train_${intent}_full.json` : `validate_${intent}.json`;
    // The files are Latin-1 where they hold more than ASCII.
    const json = JSON.parse(readFileSync(join(SNIPS.folder, file), 'latin1'));
    const rows: { data: { text: string; entity?: string }[] }[] = json[intent];
    return rows.slice(0, perIntent).map(({ data }) => taggedWords(data));
  });
}

function taggedWords(parts: readonly { text: string; entity?: string }[]): SlotSentence {
  const words = parts.flatMap(({ text, entity }) =>
    text
      .split(/\s+/)
      .filter(Boolean)
      .map((word, place) => {
        const slot = entity === undefined ? 'O' : `${place === 0 ? 'B' : 'I'}-${entity}`;
        return { word, slot };
      }),
  );
  return { tokens: words.map(({ word }) => word), labels: words.map(({ slot }) => slot) };
}
