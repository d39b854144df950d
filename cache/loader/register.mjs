// Makes Node read our TypeScript, in this thread: `node --import ./cache/loader/register.mjs FILE.ts`.
import { register } from 'node:module';

process.setSourceMapsEnabled(true);
register('./hooks.mjs', import.meta.url);
