import { z } from 'zod';
import { named } from './shape.ts';
import type { JsonOutput } from './shape.ts';

const FileOfProject = named('FileOfProject', 'What became of one file of the project, or with `--dry-run` would.', {
  path: z.string().describe("from the project's directory"),
  action: z.enum(['created', 'changed', 'replaced', 'kept']),
  note: z.string().optional(),
});

export const InitialisedProject = z.object({
  directory: z.string(),
  language: z.enum(['typescript', 'javascript']),
  packageManager: z.enum(['npm', 'pnpm', 'yarn']),
  dryRun: z.boolean(),
  files: z.array(FileOfProject),
  next: z
    .array(z.object({ command: z.string(), why: z.string() }))
    .describe('what to type next, each in a terminal of its own'),
});

export const DevAddresses = z.object({
  temporalAddress: z.string(),
  namespace: z.string(),
  uiUrl: z.string().optional(),
  loginUrl: z
    .string()
    .optional()
    .describe('with keys: the first browser that opens it, within ten minutes, reads in the Web UI what is encrypted'),
  databaseUrl: z.string().describe('with its password: it is there to be used'),
  keyFile: z.string().describe('for LOCKKEEPER_KEY_FILE; absent when that, or LOCKKEEPER_KEYS, was set').optional(),
});

export const Migrated = z.object({
  migrated: z.literal(true),
  roles: z
    .object({
      granted: z.array(z.string()).describe('have their rights in this ledger'),
      missing: z.array(z.string()).describe('are not there, and this user may not create them'),
    })
    .optional()
    .describe('left out when it was up to date and this user is not its owner'),
});

export const CheckedConfig = z.object({
  file: z.string(),
  environment: z.string(),
  jobs: z.array(z.string()),
  graphs: z.array(z.string()),
  queues: z.array(z.string()),
  plans: z.array(z.string()),
  encryption: z.object({
    state: z
      .enum(['keyring', 'plaintext', 'missing', 'unusable'])
      .describe('`missing`, `unusable`: no worker starts with it'),
    from: z.string().describe('where the keys are').optional(),
    keys: z.array(z.string()).describe('their ids; the first one encrypts').optional(),
    reason: z.string().describe('of `unusable`').optional(),
  }),
});

/** The config's own words; docs of `lockkeeper.yaml` say what they mean. */
export const ShownConfig = z.record(z.string(), z.unknown());

export const OTHER_OUTPUTS: readonly JsonOutput[] = [
  { command: 'init', form: 'one', says: 'What was done, and what to type next.', schema: InitialisedProject },
  { command: 'dev', form: 'line', says: 'Once everything runs.', schema: DevAddresses },
  { command: 'ledger migrate', form: 'one', says: 'That it is up to date, and which roles it has.', schema: Migrated },
  {
    command: 'config show',
    form: 'one',
    says: 'The config with every default, durations in milliseconds, values of variables left out.',
    schema: ShownConfig,
  },
  { command: 'config check', form: 'one', says: 'What was found.', schema: CheckedConfig },
];
