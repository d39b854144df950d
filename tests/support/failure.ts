import assert from 'node:assert/strict';
import { Failure } from '#cache/failure.ts';

/** The expected failure that some work ends with; fails when it succeeds or breaks in another way. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Failure, `no Failure: ${String(error)}`);
  assert.ok(error.fix.length > 0, 'it does not say the way out');
  return error;
}

/** For `assert.rejects`: a Failure with this code whose message holds all parts. */
export function failingWith(code: string, ...parts: readonly string[]): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof Failure, `no Failure: ${String(error)}`);
    assert.equal(error.code, code);
    for (const part of parts) assert.ok(error.message.includes(part), `${error.message}: ${part}?`);
    assert.ok(error.fix.length > 0, 'it does not say the way out');
    return true;
  };
}
