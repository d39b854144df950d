import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sharedFolder } from './paths.ts';

/** An utterance of SNIPS with what its slots say. */
export interface Utterance {
  readonly text: string;
  /** Types of its slots, each once. */
  readonly slots: readonly string[];
  /** Share of its words that stand in a slot. */
  readonly slotShare: number;
}

/** The first utterances of each of the seven intents; undefined where the data is absent. */
export function snips(part: 'train' | 'validate', perIntent: number): Utterance[] | undefined {
  const shared = sharedFolder();
  if (shared === undefined) return undefined;
  const folder = join(shared, 'data', 'snips');
  const files = readdirSync(folder).filter((name) => name.startsWith(`${part}_`));
  return files.sort().flatMap((name) => {
    const content: Record<string, { data: { text: string; entity?: string }[] }[]> = JSON.parse(
      decoded(readFileSync(join(folder, name))),
    );
    return Object.values(content).flat().slice(0, perIntent).map(utteranceOf);
  });
}

function utteranceOf({ data }: { data: { text: string; entity?: string }[] }): Utterance {
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '').length;
  const all = data.reduce((sum, { text }) => sum + words(text), 0);
  const slots = data.filter(({ entity }) => entity !== undefined);
  return {
    text: data.map(({ text }) => text).join(''),
    slots: [...new Set(slots.map(({ entity }) => entity ?? ''))].sort(),
    slotShare: slots.reduce((sum, { text }) => sum + words(text), 0) / all,
  };
}

/** One of the files is latin-1. */
function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
