import type { Maker, StageContext } from '#stages/stage.ts';
import type { ReportConfig } from './config.ts';
import type { Fact } from './report-data.ts';

/** Fingerprints of the students, and the versions that made and measured them; none of stand-ins. */
export function makerFacts(
  { makers = {} }: Pick<StageContext<ReportConfig>, 'makers'>,
  models: readonly { readonly metrics: { readonly name: string; readonly subject: string } }[],
): Fact[] {
  return models.flatMap(({ metrics: { name, subject } }) => {
    const measured = makers[`metrics.${name}`];
    const trained = makers[`log.${name}`];
    const maker = subject === 'student' && trained !== undefined ? trained : measured;
    if (maker === undefined) return [];
    const used = { ...measured?.environment, ...maker.environment };
    const fact = `${maker.instance} ${maker.fingerprint.slice(0, SHOWN)}${versions(used)}`;
    return [{ name: `Fingerprint of ${name}`, value: fact }];
  });
}

function versions(environment: Maker['environment']): string {
  const known = VERSIONS.flatMap(([key, title]) => {
    const version = environment[key];
    return version === undefined ? [] : [`${title} ${version}`];
  });
  return known.length === 0 ? '' : `, by ${known.join(', ')}`;
}

const VERSIONS = [
  ['decant', 'Decant'],
  ['node', 'Node'],
  ['tensorflow', 'TensorFlow'],
  ['onnxruntime', 'ONNX Runtime'],
] as const;
const SHOWN = 16;
