import { Failure } from '#cache/failure.ts';

/** Where the hub is and as whom it is asked, from the variables of Hugging Face's own programs. */
export interface HubEnvironment {
  /** Without a slash at the end. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** HF_HUB_OFFLINE: no request is made. */
  readonly isOffline: boolean;
}

/** A model of the hub, and the branch, tag or commit of it that was asked for. */
export interface HubReference {
  readonly repository: string;
  readonly revision: string;
}

export class HubSettingError extends Failure {
  constructor(problem: string, fix: string) {
    super('usage', 'E_HUB_SETTING', problem, fix);
  }
}

/** Reads HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. */
export function hubEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
): HubEnvironment {
  const offline = variables['HF_HUB_OFFLINE'] ?? '';
  return {
    endpoint: endpointOf(variables['HF_ENDPOINT']?.trim() || DEFAULT_ENDPOINT),
    token: variables['HF_TOKEN']?.trim() || undefined,
    isOffline: /^(1|on|yes|true)$/i.test(offline.trim()),
  };
}

/** `org/name` or `org/name@revision`. */
export function hubReference(text: string): HubReference {
  const match = /^([\w.-]+(?:\/[\w.-]+)?)(?:@(.+))?$/.exec(text);
  const [, repository, revision = 'main'] = match ?? [];
  if (repository !== undefined && !repository.split('/').some((part) => /^\.*$/.test(part))) {
    return { repository, revision };
  }
  throw new HubSettingError(
    `"${text}" is no model of the hub`,
    'write it as org/name or org/name@revision',
  );
}

function endpointOf(text: string): string {
  const fix = 'set HF_ENDPOINT to an address such as https://hub.example.com, or unset it';
  // The address itself is not told: it may hold a password.
  if (!URL.canParse(text)) throw new HubSettingError('HF_ENDPOINT is no address', fix);
  const { protocol, username, password, origin, pathname } = new URL(text);
  if (!/^https?:$/.test(protocol)) throw new HubSettingError(`HF_ENDPOINT is ${protocol}`, fix);
  if (username !== '' || password !== '') {
    throw new HubSettingError('HF_ENDPOINT holds a user name or password', fix);
  }
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

const DEFAULT_ENDPOINT = 'https://huggingface.co';
