import { Failure } from '#cache/failure.ts';
import type { HubReference } from './environment.ts';

/** The hub does not know the model or does not show it. */
export class HubRefusedError extends Failure {
  constructor({ repository, revision }: HubReference, status: number, hasToken: boolean) {
    const asked = revision === 'main' ? repository : `${repository}@${revision}`;
    const [problem, fix] = status === 404 ? NOT_FOUND : hasToken ? NOT_ALLOWED : NO_TOKEN;
    super('usage', 'E_HUB_REFUSED', `${asked}: ${problem} (status ${status})`, fix);
  }
}

const NOT_FOUND = [
  'the hub has no such model or revision',
  'check its name on the hub; write a revision as org/name@revision',
] as const;

const NO_TOKEN = [
  'the hub does not show it: it is private or gated, or its name is wrong',
  'check the name; for a private or gated model set HF_TOKEN to a token that may read it',
] as const;

const NOT_ALLOWED = [
  'the token in HF_TOKEN may not read it',
  'accept the terms on the page of the model, or set HF_TOKEN to a token that may read it',
] as const;

/** The graph that was chosen is none of the model's. */
export class NoSuchGraphError extends Failure {
  constructor(name: string, path: string, graphs: readonly string[]) {
    const there = graphs.length === 0 ? 'none' : graphs.join(', ');
    super(
      'usage',
      'E_HUB_FILE',
      `${name} has no ONNX file ${path}; those that it has: ${there}`,
      graphs.length === 0 ? 'leave --file out' : `name one of them in --file, or leave it out`,
    );
  }
}

/** The hub did not answer, or a transfer broke: nothing is wrong with what was asked. */
export class HubTransferError extends Failure {
  constructor(what: string, problem: string, cause?: unknown) {
    super(
      'retry',
      'E_HUB_TRANSFER',
      `${what}: ${problem}`,
      'run the same command again: whole files are kept; if the hub stays out of reach check HF_ENDPOINT and the proxy (NODE_USE_ENV_PROXY=1 with Node 24)',
      { cause },
    );
  }
}

/** HF_HUB_OFFLINE is set, and not everything is there. */
export class HubOfflineError extends Failure {
  constructor(repository: string, folder: string) {
    super(
      'usage',
      'E_HUB_OFFLINE',
      `HF_HUB_OFFLINE is set, and ${folder} does not hold all of ${repository}`,
      'unset HF_HUB_OFFLINE, or copy the folder from a machine that has it',
    );
  }
}

/** The folder belongs to something else. */
export class OccupiedFolderError extends Failure {
  constructor(folder: string, held: string, wanted: string) {
    super(
      'usage',
      'E_HUB_FOLDER',
      `${folder} holds ${held}, not ${wanted}`,
      'choose another folder with --to DIR, or remove this one',
    );
  }
}
