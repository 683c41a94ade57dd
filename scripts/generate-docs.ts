// Writes the pages of docs/ that are made from the sources, the commented example, and the JSON Schema of lockkeeper.yaml.
import { writeFileSync } from 'node:fs';
import { pages } from './docs/pages.ts';

for (const { path, file, text } of await pages()) {
  writeFileSync(file, text);
  console.log(`wrote ${path}`);
}
