// A program of its own: loads the package named by its argument and prints its version.
import fs from 'node:fs';
import path from 'node:path';

const [, , project = '', name = ''] = process.argv;
await import(name);
const manifest = path.join(project, 'node_modules', name, 'package.json');
const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8'));
console.log(JSON.stringify({ version }));
