// Compiles src/ to dist/ and puts beside it what is not TypeScript.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const at = (path) => `${root}/${path}`;

rmSync(at('dist'), { recursive: true, force: true });
execFileSync(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', at('tsconfig.build.json')], {
  stdio: 'inherit',
});
for (const path of ['ledger/migrations', 'ledger/roles', 'cli/init/templates', 'config/example.yaml'])
  cpSync(at(`src/${path}`), at(`dist/${path}`), { recursive: true });
chmodSync(at('dist/cli/main.js'), 0o755);

const { bundle } = await import('../dist/workers/workflow-bundle.js');
const log = { debug() {}, info() {}, warn: console.warn, error: console.error };
writeFileSync(at('dist/workflows.bundle.js'), (await bundle(log, undefined)).code);
// For workers with keys: errors of its workflows are payloads, which are encrypted.
writeFileSync(at('dist/workflows-encoded.bundle.js'), (await bundle(log, undefined, 'encoded')).code);

// Faults are for the tests, which run a build of their own: the package's knows nothing of them.
rmSync(at('dist-with-failpoints'), { recursive: true, force: true });
cpSync(at('dist'), at('dist-with-failpoints'), { recursive: true });
writeFileSync(
  at('dist/failpoints.js'),
  'export const failpoint = () => undefined;\nexport const failpointSoon = () => undefined;\n',
);
