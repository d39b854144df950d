import { join } from 'node:path';
import { writeFileAtomic } from '#cache/atomic-file.ts';
import { readClasses } from '#datasets/classes.ts';
import { filesOf, inputOf, outputOf } from '#stages/folders.ts';
import { skimModelFile } from '#stages/onnx/model-skim.ts';
import { embeddingAppendix, embeddingSource } from '#stages/onnx/sentence-embedding.ts';
import type { StageContext, StageEvent } from '#stages/stage.ts';
import { chooseHead, type HeadFit } from './choose-head.ts';
import { embedLabelled } from './embed-labelled.ts';
import { type FitHeadConfig } from './settings.ts';
import { readEncoderConfig, readPooling, writeTeacher } from './teacher-folder.ts';

/**
 * Makes a teacher of a sentence encoder: a linear softmax head is fitted on the gold labels of train, and
 * validation chooses how strongly it is regularised. The head is appended to the encoder's own bytes, so
 * that stage one, which never reads a label, meets a classifier like any other. No test row is read.
 */
export async function* runFitHead(
  context: StageContext<FitHeadConfig>,
): AsyncGenerator<StageEvent, void, void> {
  const [path = ''] = filesOf(context, 'model');
  const classNames = await readClasses(inputOf(context, 'classes'));
  const encoder = skimModelFile(path);
  const source = embeddingSource(encoder, await readPooling(context.files['pooling']?.[0]));
  const { name } = source.output;
  const how = { own: 'as it is', mean: 'mean over the tokens', first: 'first token' };
  yield { type: 'note', message: `a text is ${name}, ${how[source.pooling]}` };
  const config = await readEncoderConfig(context.files['modelConfig']?.[0]);
  const rows = yield* embedLabelled(context, path, {
    appendix: embeddingAppendix(encoder, source),
    padTokenId: config.padTokenId,
    firstPosition: config.firstPosition,
  });
  const fit = yield* chooseHead(rows, classNames.length, context.signal);
  yield* tell(fit);
  await writeTeacher(outputOf(context, 'teacher'), {
    model: filesOf(context, 'model'),
    appendix: embeddingAppendix(encoder, source, fit.head),
    config: config.json,
    classNames,
  });
  const { head: _weights, ...figures } = fit;
  const record = { formatVersion: 1, embedding: name, pooling: source.pooling, ...figures };
  const file = join(outputOf(context, 'fit'), 'fit.json');
  await writeFileAtomic(file, `${JSON.stringify(record, null, 1)}\n`);
}

function* tell({ chosen, majority, trainRows, validationRows }: HeadFit) {
  const { accuracy, l2 } = chosen;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  yield { type: 'count', name: 'trainRows', value: trainRows } as const;
  yield { type: 'metric', name: 'validationAccuracy', value: accuracy, step: 0 } as const;
  const message = `the head, fitted on ${trainRows.toLocaleString('en-US')} labelled train rows, is right on ${percent(accuracy)} of ${validationRows.toLocaleString('en-US')} labelled validation rows (l2 ${l2}); always the most frequent class: ${percent(majority)}`;
  yield { type: 'note', message } as const;
}
