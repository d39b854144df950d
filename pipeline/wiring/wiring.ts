import { candidatesOf, chooseInstance } from '#pipeline/config/auto-student.ts';
import type { LoadedConfig } from '#pipeline/config/config.ts';
import type { DecantConfig } from '#pipeline/config/config-schema.ts';
import { refuseSeeds, seedNames, spreadInstance } from '#pipeline/config/seeds.ts';
import { exportedVariant, goldOnlyVariant, variantOrder } from '#pipeline/config/variants.ts';
import { refuseForHeads } from '#pipeline/limits/head-limits.ts';
import { refuseUnread } from '#pipeline/limits/student-limits.ts';
import { refuseForTask } from '#pipeline/limits/task-limits.ts';
import { withPins } from '#pipeline/run/pinned.ts';
import {
  type MainTeacher,
  type Teacher,
  teachersOf,
  teachersOfVariant,
} from '#pipeline/teachers/teachers.ts';
import { inOrder, type StageInstance } from './graph.ts';
import {
  headCacheInstances,
  headEvaluations,
  headPrepareInstance,
  headSpreads,
  headTasksOf,
  withHeadFacts,
  withHeadInputs,
  withHeadResults,
} from './head-wiring.ts';
import { prepareInstance } from './prepare-wiring.ts';
import { relabelInstances, studentsOf } from './relabel-wiring.ts';
import { reportInstance } from './report-wiring.ts';
import {
  evaluateStudent,
  evaluateTeacher,
  exportInstance,
  hasInt8,
  operatingPointInstances,
} from './result-wiring.ts';
import { trainInstance } from './student-wiring.ts';
import { fitHeadInstance, softLabelInstance } from './teacher-wiring.ts';
import { viewLabelInstance } from './view-wiring.ts';

/**
 * The graph of a configuration: every stage instance with its settings, files and inputs, in an
 * order in which inputs come before their users. `tombstones` is the store's file of forgotten rows.
 */
export function graphOf(loaded: LoadedConfig, tombstones?: string): StageInstance[] {
  const { config } = loaded;
  refuseForTask(loaded);
  refuseForHeads(loaded);
  refuseUnread(loaded);
  refuseSeeds(loaded);
  const teachers = teachersOf(loaded);
  const [main] = teachers;
  const heads = headTasksOf(loaded, main);
  const beforeStudents = [
    prepareInstance(loaded, main, tombstones),
    // All corpora before any teacher: what is wrong with one shows at once.
    ...heads.map((head) => headPrepareInstance(head, tombstones)),
    ...teachers.flatMap((teacher) => fitHeadInstance(config, teacher)),
    ...teachers.flatMap((teacher) => softLabelInstances(config, teacher, main)),
    ...heads.flatMap(headCacheInstances),
  ];
  // The cache of a language model may be all that is wanted.
  const hasStudents = Object.keys(config.variants).length > 0;
  if (!hasStudents) return inOrder(withPins(loaded, beforeStudents));
  const order = variantOrder(loaded);
  const students = studentsOf(loaded, order);
  const needsRelabel = students.some(({ labels }) => labels === 'hard-relabel');
  const relabel = needsRelabel ? relabelInstances(loaded, teachers) : [];
  const trained = students.map((student) =>
    candidatesOf(config, student.name).length > 0
      ? chooseInstance(config, student.name)
      : withHeadInputs(trainInstance(loaded, teachers, student), heads),
  );
  const names = students.map(({ name }) => name);
  // Of all students those that have no other seed beside them, and the first of those that have.
  const firsts = students.filter(({ seed }) => seed === undefined);
  const seeded = firsts.flatMap(({ name, variant }) => {
    const ofSeeds = seedNames(config, variant, name);
    return ofSeeds.length > 1 ? [{ name, ofSeeds }] : [];
  });
  const exported = exportedVariant(config, order);
  const evaluations = [
    ...teachers.map((teacher) => evaluateTeacher(config, teacher)),
    ...names.map((name) => evaluateStudent(config, name, { isExported: name === exported })),
    ...(hasInt8(config)
      ? [evaluateStudent(config, exported, { isExported: true, quantize: 'int8' })]
      : []),
    ...heads.flatMap((head) => headEvaluations(head, names, exported)),
  ];
  const report = reportInstance(loaded, {
    teachers,
    order: firsts.map(({ name }) => name),
    spreads: seeded.map(({ name }) => `seed-spread:${name}`),
    exported,
    baseline: goldOnlyVariant(config, order),
    needsRelabel,
  });
  const teachersOfExport = teachersOfVariant(loaded, teachers, exported);
  const instances = [
    ...beforeStudents,
    ...trained,
    ...relabel,
    ...operatingPointInstances(config, exported),
    ...evaluations,
    ...seeded.flatMap(({ name, ofSeeds }) => [
      spreadInstance(name, ofSeeds),
      ...headSpreads(heads, name, ofSeeds),
    ]),
    withHeadFacts(exportInstance(config, teachersOfExport, exported), heads),
    withHeadResults(report, heads),
  ];
  return inOrder(withPins(loaded, instances));
}

/** What a teacher says of the rows, and of their views where there are any. */
function softLabelInstances(
  config: DecantConfig,
  teacher: Teacher,
  main: MainTeacher,
): StageInstance[] {
  const ofRows = softLabelInstance(config, teacher, main);
  return config.augmentations === undefined
    ? [ofRows]
    : [ofRows, viewLabelInstance(ofRows, teacher)];
}
