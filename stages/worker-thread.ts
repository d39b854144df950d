import { parentPort, type TransferListItem, Worker } from 'node:worker_threads';
import { Failure, type FailureKind } from '#cache/failure.ts';
import { isCompiled } from '#cache/own-program.ts';

/** A thread that answers requests one after the other, in the order in which they were made. */
export interface WorkerThread<Request, Reply> {
  request(message: Request, transfer?: readonly TransferListItem[]): Promise<Reply>;
  /** Lets the request in progress finish, lets the thread clean up, and waits for its end. */
  close(): Promise<void>;
}

/** What a thread does: one reply to each request, and a last act before it ends. */
export interface WorkerService<Request, Reply> {
  reply(request: Request): Promise<Reply>;
  /** Buffers of a reply that the thread gives away instead of copying them. */
  transfer?(reply: Reply): readonly TransferListItem[];
  close?(): Promise<void>;
}

/**
 * Starts a file of ours (`ownProgram`) as a thread; the file calls `serveRequests`. A thread is never terminated:
 * ending one inside a native call aborts the whole process.
 */
export function startWorker<Request, Reply>(entry: URL): WorkerThread<Request, Reply> {
  const worker = new Worker(isCompiled ? entry : bootUrl(entry));
  const waiting: PromiseWithResolvers<Reply>[] = [];
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  let dead: Error | undefined;
  const failAll = (error: Error) => {
    dead ??= error;
    for (const pending of waiting.splice(0)) pending.reject(error);
  };
  worker.on('message', (answer: Answer<Reply>) => {
    const pending = waiting.shift();
    if ('reply' in answer) pending?.resolve(answer.reply);
    else pending?.reject(errorOf(answer.error));
  });
  worker.on('error', failAll);
  worker.on('exit', () => failAll(new Error(`thread ${entry.pathname} has ended`)));
  return {
    request(message, transfer = []) {
      if (dead !== undefined) return Promise.reject(dead);
      const pending = withResolvers<Reply>();
      waiting.push(pending);
      worker.postMessage({ request: message } satisfies Call<Request>, transfer);
      return pending.promise;
    },
    async close() {
      worker.postMessage({ close: true } satisfies Call<Request>);
      await ended;
    },
  };
}

/** The thread's side: call it once, at the top level of the file that `startWorker` names. */
export function serveRequests<Request, Reply>(service: WorkerService<Request, Reply>): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs as a thread of startWorker only');
  let last = Promise.resolve();
  const answer = async (call: Call<Request>) => {
    if ('close' in call) {
      await service.close?.();
      port.close();
      return;
    }
    try {
      const reply = await service.reply(call.request);
      port.postMessage({ reply } satisfies Answer<Reply>, service.transfer?.(reply) ?? []);
    } catch (error) {
      port.postMessage({ error: portableError(error) } satisfies Answer<Reply>);
    }
  };
  port.on('message', (call: Call<Request>) => {
    last = last.then(() => answer(call));
  });
}

type Call<Request> = { readonly request: Request } | { readonly close: true };
type Answer<Reply> = { readonly reply: Reply } | { readonly error: PortableError };

/** An error as plain data: structured cloning would lose its class and its fields. */
interface PortableError {
  readonly message: string;
  readonly stack: string | undefined;
  readonly failure: { kind: FailureKind; code: string; fix: string; name: string } | undefined;
  /** Of a system error, such as `ENOSPC`. */
  readonly system: { readonly code: string; readonly path: string | undefined } | undefined;
}

function portableError(error: unknown): PortableError {
  if (!(error instanceof Error)) {
    return { message: String(error), stack: undefined, failure: undefined, system: undefined };
  }
  const { message, stack } = error;
  if (error instanceof Failure) {
    const { kind, code, fix, name } = error;
    return { message, stack, failure: { kind, code, fix, name }, system: undefined };
  }
  const { code, path }: NodeJS.ErrnoException = error;
  return {
    message,
    stack,
    failure: undefined,
    system: code === undefined ? undefined : { code, path },
  };
}

function errorOf({ message, stack, failure, system }: PortableError): Error {
  const error =
    failure === undefined
      ? Object.assign(new Error(message), system)
      : new Failure(failure.kind, failure.code, message, failure.fix);
  if (failure !== undefined) error.name = failure.name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

/** A thread does not inherit what makes Node read TypeScript, so it starts with two lines of JavaScript. */
function bootUrl(entry: URL): URL {
  const script = [
    `import ${JSON.stringify(import.meta.resolve('#cache/loader/register.mjs'))};`,
    `await import(${JSON.stringify(entry.href)});`,
  ].join('\n');
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}
