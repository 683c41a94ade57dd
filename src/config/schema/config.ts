import { z } from 'zod';
import {
  choice,
  count,
  durationOrZero,
  list,
  mapOf,
  maybe,
  name,
  names,
  options,
  positiveDuration,
  text,
  variableNamed,
  variableName,
  yesOrNo,
} from './values.ts';
import { isTimeZone, refuseCron } from '../../order/freeze-windows.ts';
import { codecServer } from './codec-server.ts';
import { documented } from './documented.ts';
import { shaped } from './json-shape.ts';
import { receivers } from './notices.ts';
import { steps } from './steps.ts';

const path = text('a path');
const CRON = 'a cron expression of five fields such as 0 16 * * 5';
const cron = text(CRON).superRefine((value, context) => {
  const refused = refuseCron(value);
  if (refused !== undefined) context.addIssue({ code: 'custom', message: `${CRON} (${refused})` });
});
const timeZone = text('the name of a time zone such as Europe/Berlin').refine(isTimeZone, {
  error: 'the name of a time zone such as Europe/Berlin',
});
const queueName = text('the name of a task queue');

const drain = (example: { readonly deadline: string; readonly onTimeout: string; readonly wait: string }) =>
  options({
    deadline: documented(maybe(positiveDuration), 'For all queues together', {
      default: '60s',
      example: example.deadline,
    }),
    onTimeout: documented(
      maybe(choice('abandon', 'wait', 'abort')),
      'What happens at the deadline: `abandon` gives running slices up, which go on later from their last checkpoint; `wait` waits for longer; `abort` ends the deploy',
      { default: 'abandon', example: example.onTimeout },
    ),
    wait: documented(maybe(durationOrZero), 'How much longer, with `onTimeout: wait`', {
      default: '10m',
      example: example.wait,
    }),
  });

const parameter = options({
  pattern: documented(
    maybe(text('a regular expression').refine(isPattern, { error: 'a regular expression' })),
    'What the whole value must match',
    { default: 'anything', example: "'^v[0-9.]+$'" },
  ),
  required: documented(maybe(yesOrNo), 'Whether a request must give it', { default: 'false', example: 'true' }),
});

const plan = options({
  queues: documented(maybe(names(queueName, 'a list of task queues')), 'The queues it pauses', {
    default: 'all',
    example: '[imports, reports]',
  }),
  onFailure: documented(
    maybe(choice('rollback', 'hold')),
    'What follows when a step fails: `rollback` runs the rollbacks of the steps that were started, in reverse; `hold` waits for a person first',
    { default: 'rollback', example: 'rollback' },
  ),
  hold: documented(maybe(durationOrZero), 'How long it is held before it is rolled back', {
    default: '1h',
    example: '1h',
  }),
  drain: documented(
    maybe(drain({ deadline: '2m', onTimeout: 'wait', wait: '5m' })),
    'In place of the options of the same name of the whole config, each by itself',
    { default: 'those of the config' },
  ),
  parameters: documented(
    maybe(mapOf(variableName, maybe(parameter), 'a map of parameters')),
    'What a request may set, and nothing else. Commands find `version` in LOCKKEEPER_PARAMETER_VERSION',
    { default: 'none', names: ['version'] },
  ),
  approvals: documented(
    maybe(
      options({
        count: documented(
          maybe(count('a whole number', 0)),
          'How many people must approve a deploy before it has a place in the order',
          { default: '1', example: '2' },
        ),
        notRequester: documented(maybe(yesOrNo), 'Whether the one who asked for it does not count', {
          default: 'true',
          example: 'true',
        }),
        expireAfter: documented(maybe(positiveDuration), 'How long an approval counts, until the lock is granted', {
          default: '1d',
          example: '8h',
        }),
        allowed: documented(
          maybe(names(text('a name'), 'a list of names')),
          'The only ones who may approve, as `--requested-by` or LOCKKEEPER_USER names them',
          { default: 'anybody', example: '[ann, bob, cem]' },
        ),
      }),
    ),
    'Who must approve a deploy of this plan',
    { default: 'nobody' },
  ),
  steps: documented(
    steps,
    'One after another, at most 99, each of one type: `migrate`, `command`, `wait` or `external`, of which a plan has one at most',
  ),
});

/** The shape of `lockkeeper.yaml`. What holds between options is in `checks/`. */
export const configSchema = options({
  environment: documented(
    name,
    'The set of task queues that deploys pause together. A queue belongs to one environment only',
    { example: '${LOCKKEEPER_ENVIRONMENT:-production}' },
  ),
  jobs: documented(
    maybe(
      shaped(
        z.preprocess(
          (value) => (typeof value === 'string' && value !== '' ? [value] : value),
          list(path, 'a path or a list of paths'),
        ),
        (generated) => ({ anyOf: [{ type: 'string', minLength: 1 }, generated] }),
      ),
    ),
    'Modules that export jobs: one path, or a list',
    { default: 'none; then `queues` must be there', example: '[./jobs.ts]' },
  ),
  workflows: documented(maybe(path), 'The module of your own workflows, if you have some', {
    default: 'none',
    example: './workflows.ts',
  }),
  worker: documented(
    maybe(
      options({
        buildId: documented(
          maybe(text('the id of a build; put numbers in quotes')),
          'Which build this is; `--build-id` and TEMPORAL_WORKER_BUILD_ID come first',
          { default: 'dev', example: '${BUILD_ID:-local}' },
        ),
        maxConcurrentSlices: documented(
          maybe(count('a whole number above 0')),
          'Slices that may run at once, for each task queue',
          { default: '100', example: '100' },
        ),
        shutdownGrace: documented(
          maybe(durationOrZero),
          'From SIGTERM until a slice that does not yield is cancelled',
          { default: '20s', example: '20s' },
        ),
        shutdownForce: documented(
          maybe(positiveDuration),
          "From SIGTERM until the worker gives up; longer than the grace, shorter than your container's limit",
          { default: '25s', example: '25s' },
        ),
      }),
    ),
    'How `lockkeeper worker` runs the jobs',
  ),
  drain: documented(
    maybe(drain({ deadline: '60s', onTimeout: 'abandon', wait: '10m' })),
    'How long a deploy waits for running slices to step aside',
  ),
  queues: documented(
    maybe(
      mapOf(
        queueName,
        maybe(
          options({
            after: documented(
              maybe(names(queueName, 'a list of task queues')),
              'Queues that feed this one: closed before it, opened after it',
              { default: 'none', example: '[imports]' },
            ),
          }),
        ),
        'a map of task queues',
      ),
    ),
    'The task queues that deploys pause',
    { default: 'those of the exported jobs', names: ['imports', 'reports'] },
  ),
  participants: documented(
    maybe(names(name, 'a list of names')),
    "Others that must say they have stopped before a deploy's steps begin",
    { default: 'none', example: '[cron-host]' },
  ),
  databases: documented(
    maybe(
      mapOf(
        name,
        options({
          env: documented(
            variableNamed('the name of the environment variable that holds the URL, not the URL itself'),
            'The environment variable of the deploy worker that holds the URL',
            { example: 'APP_DATABASE_URL' },
          ),
        }),
        'a map of databases',
      ),
    ),
    'Databases that steps migrate. `ledger`, in DATABASE_URL, is always there',
    { default: 'only `ledger`', names: ['app'] },
  ),
  freezeWindows: documented(
    maybe(
      list(
        options({
          cron: documented(cron, 'When it begins: a cron expression of five fields', { example: "'0 16 * * 5'" }),
          timeZone: documented(timeZone, 'Whose clocks the expression means', { example: 'Europe/Berlin' }),
          for: documented(positiveDuration, 'How long it takes, in real time, also when clocks are changed meanwhile', {
            example: '64h',
          }),
          reason: documented(text('a reason'), 'What those who wait are told', { example: 'weekend' }),
        }),
        'a list of freeze windows',
      ),
    ),
    'Times again and again in which no deploy is given the lock; the one that has it ends as usual',
    { default: 'none' },
  ),
  notices: documented(
    maybe(receivers),
    'Who is told what becomes of jobs, by the deploy worker: each receiver is a `webhook`, a channel of `slack` or `mail`',
    { default: 'nobody' },
  ),
  encryption: documented(
    maybe(
      options({
        keyFile: documented(
          maybe(path),
          'The file with the keys, for nobody but its user to read; LOCKKEEPER_KEYS and LOCKKEEPER_KEY_FILE come first. `lockkeeper keys generate --file` makes one',
          { default: 'none', example: './lockkeeper.keys' },
        ),
        acceptPlaintext: documented(
          maybe(yesOrNo),
          'While encryption is switched on: saved state that is not encrypted is taken, until `lockkeeper keys rotate` has been through',
          { default: 'false', example: 'false' },
        ),
        mode: documented(
          maybe(choice('keyring', 'plaintext')),
          '`keyring`: what jobs save and what they send to Temporal is encrypted, and without keys no worker starts; `plaintext`: nothing is encrypted, and there are no keys',
          { default: 'keyring', example: 'keyring' },
        ),
      }),
    ),
    'Keys for what jobs save and for what they send to Temporal. `lockkeeper dev` makes its own',
  ),
  codecServer: documented(
    maybe(codecServer),
    "How `lockkeeper codec-server` shows encrypted payloads to Temporal's Web UI and CLI",
  ),
  plans: documented(
    maybe(mapOf(name, plan, 'a map of plans')),
    'What a deploy does once nothing runs. The plan `default` exists without being written: one external step',
    { default: 'only `default`', names: ['release'] },
  ),
});

export type ParsedConfig = z.output<typeof configSchema>;
export type ParsedPlan = z.output<typeof plan>;

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern);
    return true;
  } catch {
    return false;
  }
}
