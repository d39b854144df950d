import { Failure } from '#cache/failure.ts';
import { nearestName } from '#datasets/nearest-name.ts';
import { isStageName } from '#pipeline/registry.ts';
import type { StageInstance } from '#pipeline/wiring/graph.ts';

/** Which instances a run may make. */
export interface Selection {
  includes(instance: string): boolean;
  isForced(instance: string): boolean;
}

/** What the command line says about which stages to run. */
export interface SelectionRequest {
  /** Stages or instances by name; empty means all. */
  readonly stages: readonly string[];
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly force: readonly string[];
}

export class UnknownStageError extends Failure {
  constructor(name: string, graph: readonly StageInstance[]) {
    const known = knownNames(graph);
    const near = nearestName(name, known);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    super('usage', 'E_STAGE', `there is no stage "${name}"${hint}`, `stages: ${known.join(', ')}`);
  }
}

/** A stage that there is, and that this configuration has nothing for. */
class AbsentStageError extends Failure {
  constructor(name: string, graph: readonly StageInstance[]) {
    super(
      'usage',
      'E_STAGE',
      `this configuration has no ${name}: its stages are ${knownNames(graph).join(', ')}`,
      'run one of these, or give decant.yaml the section that the stage belongs to (a language model has no students: its cache is the result)',
    );
  }
}

export class StaleInputError extends Failure {
  constructor(instance: string, on: readonly string[]) {
    super(
      'usage',
      'E_STALE_INPUT',
      `${instance} needs ${on.join(', ')}, which ${on.length === 1 ? 'is' : 'are'} stale or not made yet`,
      `name ${on.length === 1 ? 'it' : 'them'} too, use --to ${instance}, or --allow-stale to take what is there`,
    );
  }
}

/**
 * `run train-student` means all its instances, `run train-student:distilled` one. `--from S` adds all
 * that depends on S, `--to S` all that S depends on; together they are what lies between.
 */
export function selectStages(
  graph: readonly StageInstance[],
  request: SelectionRequest,
): Selection {
  const named = (name: string) => namesOf(graph, name);
  const chosen =
    request.stages.length > 0
      ? new Set(request.stages.flatMap(named))
      : between(
          graph,
          request.from?.split(',').flatMap(named),
          request.to?.split(',').flatMap(named),
        );
  const forced = new Set(request.force.flatMap(named));
  return {
    includes: (instance) => chosen.has(instance) || forced.has(instance),
    isForced: (instance) => forced.has(instance),
  };
}

function between(
  graph: readonly StageInstance[],
  from: readonly string[] | undefined,
  to: readonly string[] | undefined,
): Set<string> {
  const below = from === undefined ? undefined : dependants(graph, from);
  const above = to === undefined ? undefined : dependencies(graph, to);
  const names = graph.map(({ name }) => name);
  return new Set(names.filter((name) => (below?.has(name) ?? true) && (above?.has(name) ?? true)));
}

function dependants(graph: readonly StageInstance[], roots: readonly string[]): Set<string> {
  const found = new Set(roots);
  for (const instance of graph) {
    if (Object.values(instance.inputs).some((ref) => found.has(ref.instance)))
      found.add(instance.name);
  }
  return found;
}

function dependencies(graph: readonly StageInstance[], roots: readonly string[]): Set<string> {
  const found = new Set(roots);
  for (const instance of graph.toReversed()) {
    if (!found.has(instance.name)) continue;
    for (const ref of Object.values(instance.inputs)) found.add(ref.instance);
  }
  return found;
}

function namesOf(graph: readonly StageInstance[], name: string): string[] {
  const matching = graph.filter(
    (instance) => instance.name === name || instance.stage.name === name,
  );
  if (matching.length === 0) {
    const [stage = ''] = name.split(':');
    const isAbsent = isStageName(stage) && !graph.some((one) => one.stage.name === stage);
    throw isAbsent ? new AbsentStageError(name, graph) : new UnknownStageError(name, graph);
  }
  return matching.map((instance) => instance.name);
}

function knownNames(graph: readonly StageInstance[]): string[] {
  return [...new Set(graph.flatMap(({ name, stage }) => [stage.name, name]))];
}
