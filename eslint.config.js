import tseslint from 'typescript-eslint';

/** The arrows between the rooms of src/, as in docs/architecture.md: a room may import only the rooms named here. */
const arrows = {
  jobs: ['ledger', 'crypto'],
  ledger: ['order'],
  order: [],
  crypto: [],
  // Types of a job's definition only: nothing of it reaches the sandbox.
  workflows: ['jobs'],
  config: ['jobs', 'notices', 'order'],
  commands: [],
  notices: ['ledger', 'jobs', 'crypto'],
  activities: ['ledger', 'order', 'jobs', 'commands', 'client', 'crypto'],
  workers: ['activities', 'ledger', 'jobs', 'client', 'crypto', 'notices'],
  client: ['ledger', 'jobs', 'commands', 'crypto'],
  'codec-server': ['crypto'],
  dev: ['crypto'],
  testing: ['jobs', 'ledger', 'crypto'],
  cli: ['client', 'codec-server', 'config', 'dev', 'workers', 'ledger', 'order', 'jobs', 'crypto', 'notices'],
};
const rooms = Object.keys(arrows);

const forbidden = (room) =>
  rooms
    .filter((other) => other !== room && !arrows[room].includes(other))
    .map((other) => ({
      group: [`**/${other}/**`],
      message: `${room} may not import ${other}: see docs/architecture.md`,
    }));

export default tseslint.config(
  { ignores: ['dist', 'dist-with-failpoints', 'node_modules', '.lockkeeper', 'coverage'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  ...rooms.map((room) => ({
    files: [`src/${room}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', { patterns: forbidden(room) }] },
  })),
  {
    // Workflow code runs in Temporal's sandbox: nothing of Node, and nothing that is not deterministic.
    files: ['src/workflows/**/*.ts', 'src/protocol/**/*.ts', 'src/protocol.ts', 'src/workflow.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...forbidden('workflows'),
            {
              group: [
                'node:*',
                'pg',
                'zod',
                'pino',
                'execa',
                '@temporalio/client',
                '@temporalio/worker',
                '@temporalio/activity',
              ],
              message: 'not in the workflow sandbox',
            },
          ],
        },
      ],
    },
  },
  // A job's run is an async generator, whether it waits for something or not.
  { files: ['test/**/*.ts', 'examples/**/*.ts'], rules: { '@typescript-eslint/require-await': 'off' } },
  { files: ['**/*.js', '**/*.mjs'], ...tseslint.configs.disableTypeChecked },
);
