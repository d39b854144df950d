// classify.mjs TRANSFORMERS_JS STUDENT: reads texts, one JSON string a line; prints what the pipeline of
// transformers.js says of each, all classes. A program of its own: it loads another ONNX Runtime.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [, , installed = '', student = ''] = process.argv;
const entry = createRequire(path.join(installed, 'x.js')).resolve('@huggingface/transformers');
const { env, pipeline } = await import(pathToFileURL(entry).href);
env.allowRemoteModels = false;
env.localModelPath = path.dirname(student);

const classify = await pipeline('text-classification', path.basename(student), { dtype: 'fp32' });
for await (const line of createInterface({ input: process.stdin })) {
  const classes = await classify(JSON.parse(line), { top_k: null });
  process.stdout.write(`${JSON.stringify(classes)}\n`);
}
