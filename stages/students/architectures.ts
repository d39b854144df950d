import { bag } from './bag.ts';
import { bert } from './bert.ts';
import { gpt2 } from './gpt2.ts';
import { mlp } from './mlp.ts';
import { modernBert } from './modernbert.ts';
import type { Architecture, ArchitectureName } from './student.ts';

/** The architecture of that name. */
export function architectureOf(name: ArchitectureName): Architecture {
  return architectures[name];
}

const architectures = { modernbert: modernBert, bert, gpt2, bag, mlp } as const;
