import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { isFraction } from '#pipeline/config/sections/corpus.ts';
import type { Teacher } from '#pipeline/teachers/teachers.ts';
import type { ExportConfig } from '#stages/export-student/index.ts';

/** What the model card tells of where a student comes from: names of files and teachers, and licences. */
export function cardSettings(
  { corpus, export: exported }: Pick<DecantConfig, 'corpus' | 'export'>,
  teachers: readonly Teacher[],
): Pick<
  ExportConfig,
  'license' | 'teacherLicense' | 'furtherLicenses' | 'corpusLicense' | 'sources'
> {
  const [main, ...further] = teachers;
  const names = (files: string | readonly string[]) => [files].flat().map((file) => basename(file));
  return {
    license: exported.license,
    teacherLicense: main?.license,
    // Left out where there is one teacher, as the card then speaks of one.
    furtherLicenses: further.length === 0 ? undefined : licensesByName(further),
    corpusLicense: corpus.license,
    sources: {
      train: names(corpus.train),
      validation: isFraction(corpus.validation) ? [] : names(corpus.validation),
      test: names(corpus.test),
      teachers: teachers.map(sourceOf),
    },
  };
}

/** An empty name is a licence that nobody has stated. */
function licensesByName(teachers: readonly Teacher[]): Record<string, string> {
  return Object.fromEntries(teachers.map(({ name, license = '' }) => [name, license]));
}

/** Who a teacher is: its place on the hub as `teacher add` noted it, else the name of its folder or of its answers. */
function sourceOf({ source }: Teacher): string {
  if (source.type === 'answers') {
    return `answers in ${source.paths.map((path) => basename(path)).join(', ')}`;
  }
  const { place } = source.files;
  const file = join(place, 'source.json');
  const record = existsSync(file) ? recordIn(readFileSync(file, 'utf8')) : undefined;
  if (record === undefined) return basename(place);
  return `${record.repository}, commit ${record.commit.slice(0, 12)}`;
}

/** Undefined for another file of this name: it is `teacher add` that judges its own. */
function recordIn(text: string): z.infer<typeof recordSchema> | undefined {
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

const recordSchema = z.looseObject({ repository: z.string(), commit: z.string() });
