// Records the terminal sessions of docs/sessions/ from real servers, workers and commands.
import { mkdirSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { fileURLToPath } from 'node:url';
import { App } from './sessions/app.ts';
import { recordDeploy } from './sessions/deploy.ts';
import { recordStuck } from './sessions/stuck.ts';

const FOLDER = fileURLToPath(new URL('../docs/sessions/', import.meta.url));

const app = new App();
try {
  const drawings = { 'deploy.svg': await recordDeploy(app), 'stuck.svg': await recordStuck(app) };
  // Of one machine only: whoever reads it is not to wonder what it means.
  const own = [app.home, hostname(), `${userInfo().username}@`, '127.0.0.1', 'localhost'];
  for (const [file, svg] of Object.entries(drawings)) {
    const found = own.find((word) => svg.includes(word));
    if (found) throw new Error(`${file} would show ${found}, which belongs to this machine; nothing was written`);
  }
  mkdirSync(FOLDER, { recursive: true });
  for (const [file, svg] of Object.entries(drawings)) {
    writeFileSync(`${FOLDER}${file}`, svg);
    console.log(`wrote docs/sessions/${file}, ${Math.round(svg.length / 1000)} kB`);
  }
} finally {
  await app.stop();
}
