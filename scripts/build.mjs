// Compiles src/ to dist/ and puts beside it what is not TypeScript.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => `${root}/${path}`;

rmSync(at('dist'), { recursive: true, force: true });
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')], { stdio: 'inherit' });
cpSync(at('src/ledger/migrations'), at('dist/ledger/migrations'), { recursive: true });
chmodSync(at('dist/cli/main.js'), 0o755);
