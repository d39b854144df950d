import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Failure } from '#cache/failure.ts';
import { parseYaml } from '#pipeline/config/config-sources.ts';

/** A licence, and the file that names it. */
export interface FoundLicense {
  readonly name: string;
  readonly file: string;
}

/**
 * The licence that lies beside the config.json of a model: of the head of README.md, as the hub writes it, else
 * of source.json, which `teacher add` wrote, else of config.json itself. The name is shown and never judged.
 */
export function licenseBeside(config: string): FoundLicense | undefined {
  const folder = dirname(config);
  const readers: readonly (readonly [file: string, read: (text: string) => string | undefined])[] =
    [
      ['README.md', licenseOfCard],
      ['source.json', licenseOfJson],
      [basename(config), licenseOfJson],
    ];
  for (const [file, read] of readers) {
    const path = join(folder, file);
    const name = existsSync(path) ? read(readFileSync(path, 'utf8')) : undefined;
    if (name !== undefined) return { name, file };
  }
  return undefined;
}

/** The licence in the YAML head of a model card; undefined where it says none or cannot be read. */
export function licenseOfCard(text: string): string | undefined {
  const head = /^---\r?\n([^]*?)\r?\n---/.exec(text)?.[1];
  if (head === undefined) return undefined;
  const { license, license_name: name, license_link: link } = cardOf(head);
  if (license === undefined) return undefined;
  const names = [license].flat().join(', ');
  // Of licences that it does not list the hub knows a name and an address.
  const own = names === 'other' ? (name ?? names) : names;
  return link === undefined ? own : `${own} (${link})`;
}

function cardOf(head: string): z.infer<typeof cardSchema> {
  try {
    return cardSchema.parse(parseYaml('README.md', head));
  } catch (error) {
    // Cards are written by hand: a broken one says nothing, and is no reason to stop.
    if (error instanceof Failure || error instanceof z.ZodError) return {};
    throw error;
  }
}

function licenseOfJson(text: string): string | undefined {
  return jsonSchema.catch({}).parse(parsedOrNothing(text)).license;
}

function parsedOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const name = z.string().trim().min(1);

const cardSchema = z.looseObject({
  license: z.union([name, z.array(name).min(1)]).optional(),
  license_name: name.optional(),
  license_link: name.optional(),
});

const jsonSchema = z.looseObject({ license: name.optional() });
