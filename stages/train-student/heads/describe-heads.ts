import type { StageEvent } from '#stages/stage.ts';
import { describeRows } from '#stages/train-student/describe-training.ts';
import type { Settings } from '#stages/train-student/settings.ts';
import { doubtIn } from '#stages/train-student/values/value-validation.ts';
import { headOfSteps } from './head-batches.ts';
import type { HeadSetup, Heads } from './head-setup.ts';

/** What the further heads learn from, whether their teachers can be right, and how many steps each head has. */
export function* describeHeads(heads: Heads<HeadSetup>, settings: Settings): Generator<StageEvent> {
  const [, ...further] = heads;
  if (further.length === 0) return;
  for (const { name, inputs, transferSet } of further) {
    for (const event of describeRows(transferSet, inputs, settings)) yield ofHead(event, name);
    const doubt = inputs.softLabels.length === 0 ? null : doubtIn(inputs);
    if (doubt !== null) yield { type: 'warning', message: `head ${name}: ${doubt}` };
  }
  const rows = heads.map(({ transferSet }) => transferSet.rowCount);
  const turns = headOfSteps(rows, settings.steps);
  const shares = heads.map(({ name }, head) => {
    return `${name} ${turns.filter((turn) => turn === head).length.toLocaleString('en-US')}`;
  });
  yield { type: 'note', message: `steps of each head, by their rows: ${shares.join(', ')}` };
}

function ofHead(event: StageEvent, name: string): StageEvent {
  if (event.type === 'count') return { ...event, name: `${event.name}.${name}` };
  if (event.type !== 'note' && event.type !== 'warning') return event;
  return { ...event, message: `head ${name}: ${event.message}` };
}
