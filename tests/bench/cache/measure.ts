/** What one run of something took. */
export interface Sample {
  readonly wallMs: number;
  /** Of all threads of the process together. */
  readonly cpuMs: number;
}

/** Something that is measured; the first run warms up. */
export interface Contender {
  readonly name: string;
  readonly run: () => Promise<Sample>;
}

/** Best wall and CPU time of each contender; rounds take turns, so that a busy machine disturbs all alike. */
export async function race(
  contenders: readonly Contender[],
  rounds: number,
): Promise<ReadonlyMap<string, Sample>> {
  const best = new Map<string, Sample>();
  for (let round = 0; round <= rounds; round++) {
    for (const { name, run } of contenders) {
      const sample = await run();
      const before = best.get(name);
      // The second run replaces the first, which warmed up.
      best.set(name, before === undefined || round <= 1 ? sample : faster(before, sample));
    }
  }
  return best;
}

/** Times work in this process. */
export async function timed(work: () => Promise<unknown>): Promise<Sample> {
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await work();
  const wallMs = performance.now() - start;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

/** Lines of a Markdown table. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function faster(a: Sample, b: Sample): Sample {
  return { wallMs: Math.min(a.wallMs, b.wallMs), cpuMs: Math.min(a.cpuMs, b.cpuMs) };
}
