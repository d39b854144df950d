import { hintFor } from '#datasets/nearest-name.ts';
import { largestOf } from '#stages/train-student/settings/schedules.ts';
import { candidatesOf } from './auto-student.ts';
import type { LoadedConfig } from './config.ts';
import type { DecantConfig } from './config-schema.ts';
import { ConfigError } from './config-sources.ts';

/** Variants with those that they start from before them. */
export function variantOrder(loaded: LoadedConfig): string[] {
  const { variants } = loaded.config;
  const ordered: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (ordered.includes(name)) return;
    if (path.includes(name)) {
      const problem = `${[...path, name].join(' -> ')} starts from itself`;
      throw new ConfigError(loaded.file, [{ path: `variants.${name}.initFrom`, problem }]);
    }
    for (const earlier of needsOf(loaded, name)) visit(earlier, [...path, name]);
    ordered.push(name);
  };
  for (const name of Object.keys(variants)) visit(name, []);
  return ordered;
}

/** Variants that must be trained before this one. */
function needsOf(loaded: LoadedConfig, name: string): string[] {
  const variant = loaded.config.variants[name];
  const needs = candidatesOf(loaded.config, name).map((candidate) => candidate.name);
  if (variant?.initFrom !== undefined) {
    checkVariant(loaded, variant.initFrom, `variants.${name}.initFrom`);
    needs.push(variant.initFrom);
  }
  const relabel = loaded.config['hard-relabel'];
  if (variant?.labels === 'hard-relabel' && relabel !== undefined) needs.push(relabel.student);
  return needs;
}

export function checkVariant(loaded: LoadedConfig, name: string, path: string): void {
  const known = Object.keys(loaded.config.variants);
  if (known.includes(name)) return;
  const problem = `there is no variant "${name}"; ${hintFor(name, known)}`;
  throw new ConfigError(loaded.file, [{ path, problem }]);
}

/** The variant that becomes the Hugging Face directory. */
export function exportedVariant(config: DecantConfig, order: readonly string[]): string {
  const named = config.export.variant;
  if (named !== undefined) return named;
  const students = withoutCandidates(config, order);
  const isDistilled = (name: string) =>
    config.variants[name]?.labels === undefined && learnsSoftLabels(config, name);
  return students.find(isDistilled) ?? students[0] ?? '';
}

/**
 * The variant that gains are measured against, in gate and report: nothing that a teacher said reaches it, neither by
 * soft labels nor by the labels of hard-relabel nor by the student that it starts from. Of several the one that is
 * named gold-only, or else the first; undefined where there is none.
 */
export function goldOnlyVariant(
  config: DecantConfig,
  order: readonly string[],
): string | undefined {
  const found = withoutCandidates(config, order).filter((name) => isGoldOnly(config, name));
  return found.find((name) => name === 'gold-only') ?? found[0];
}

/** Do soft labels stand in the loss of this variant at any step? */
export function learnsSoftLabels({ student, variants }: DecantConfig, name: string): boolean {
  return largestOf(variants[name]?.softLossWeight ?? student.softLossWeight ?? 1) > 0;
}

function isGoldOnly(config: DecantConfig, name: string): boolean {
  const { labels, initFrom } = config.variants[name] ?? {};
  if (labels !== undefined || learnsSoftLabels(config, name)) return false;
  return initFrom === undefined || isGoldOnly(config, initFrom);
}

/** The variants without those that `architecture: auto` chooses among. */
function withoutCandidates(config: DecantConfig, order: readonly string[]): string[] {
  const candidates = new Set(
    order.flatMap((name) => candidatesOf(config, name).map((candidate) => candidate.name)),
  );
  return order.filter((name) => !candidates.has(name));
}
