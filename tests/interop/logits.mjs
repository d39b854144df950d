// logits.mjs TRANSFORMERS_JS STUDENT CLASS: reads texts, one JSON string a line; prints the logits that CLASS of
// transformers.js gives for each, the directory loaded as local files. A program of its own: it loads another ONNX
// Runtime.
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [, , installed = '', student = '', className = ''] = process.argv;
const entry = createRequire(path.join(installed, 'x.js')).resolve('@huggingface/transformers');
const library = await import(pathToFileURL(entry).href);
library.env.allowRemoteModels = false;
library.env.localModelPath = path.dirname(student);

const name = path.basename(student);
const tokenizer = await library.AutoTokenizer.from_pretrained(name);
const model = await library[className].from_pretrained(name, { dtype: 'fp32' });
for await (const line of createInterface({ input: process.stdin })) {
  const { logits } = await model(await tokenizer(JSON.parse(line)));
  process.stdout.write(`${JSON.stringify([...logits.data])}\n`);
}
