import { describe, expect, test } from 'vitest';
import { NOTICE_EVENTS } from '../../src/notices/events.ts';
import { configOf, errorOf, problemsOf } from './folder.ts';

const NAME = 'expected a name of letters, digits, `.`, `_` or `-`, at most 100, beginning with a letter or digit';
const VARIABLE = 'expected a name of letters, digits and `_`, beginning with a letter or `_`';
const DURATION = 'expected a duration such as 30s or 5m';
const STEP = 'expected a step with exactly one of migrate, command, external, wait';
const ARGV = 'expected a list of words such as [./restart.sh, --all]: write it as a list; no shell is involved';

const head = (rest: string) => `environment: test\njobs: ./jobs.ts\n${rest}`;
const step = (text: string) => head(`plans: { p: { steps: [${text}] } }`);

type Row = readonly [title: string, yaml: string, problem: string];

describe('the shape of the options', () => {
  test.each<Row>([
    ['no environment', 'jobs: a', `1:1: \`environment\`: missing, ${NAME}`],
    ['an empty environment', 'jobs: a\nenvironment:', `2:13: \`environment\`: ${NAME}, found nothing`],
    ['an environment that is no name', 'environment: a/b\njobs: a', `1:14: \`environment\`: ${NAME}, found "a/b"`],
    ['neither jobs nor queues', 'environment: a', '1:1: there is nothing to pause: set `jobs`, `queues` or both'],
    [
      'not a map',
      '- environment',
      '1:1: expected a map with the options environment, jobs, workflows, worker, drain, queues, participants, databases, freezeWindows, notices, encryption, codecServer, plans, found a list',
    ],
    ['jobs that are no paths', 'environment: a\njobs: 3', '2:7: `jobs`: expected a path or a list of paths, found 3'],
    ['an empty path', 'environment: a\njobs: ""', '2:7: `jobs`: expected a path or a list of paths, found ""'],
    ['one job that is no path', 'environment: a\njobs: [a, {}]', '2:11: `jobs[1]`: expected a path, found a map'],
    ['workflows that are a list', head('workflows: []'), '3:12: `workflows`: expected a path, found an empty list'],
    [
      'a duration without a number',
      head('drain: { deadline: soon }'),
      `3:20: \`drain.deadline\`: ${DURATION}, found "soon"`,
    ],
    ['a negative duration', head('drain: { wait: -1 }'), `3:16: \`drain.wait\`: ${DURATION}, found -1`],
    [
      'a deadline of nothing',
      head('drain: { deadline: 0s }'),
      `3:20: \`drain.deadline\`: ${DURATION}, longer than 0, found "0s"`,
    ],
    [
      'an origin with a path',
      head("codecServer: { origins: ['https://x.example/ui'] }"),
      '3:26: `codecServer.origins[0]`: expected an origin as a browser writes it, such as https://temporal.example.com: no path, nothing that stands for several, found a URL',
    ],
    [
      'an origin that stands for all',
      head("codecServer: { origins: ['*'] }"),
      '3:26: `codecServer.origins[0]`: expected an origin as a browser writes it, such as https://temporal.example.com: no path, nothing that stands for several, found "*"',
    ],
    [
      'a port that is none',
      head('codecServer: { port: 65536 }'),
      '3:22: `codecServer.port`: expected a port from 0 to 65535, found 65536',
    ],
    [
      'a certificate without its key',
      head('codecServer: { tls: { cert: ./a.pem } }'),
      '3:21: `codecServer.tls.key`: missing, expected a path',
    ],
    [
      'an unknown choice',
      head('drain: { onTimeout: stop }'),
      '3:21: `drain.onTimeout`: expected one of abandon, wait, abort, found "stop"',
    ],
    [
      'a number that is none',
      head('worker: { maxConcurrentSlices: many }'),
      '3:32: `worker.maxConcurrentSlices`: expected a whole number above 0, found "many"',
    ],
    [
      'a number too small',
      head('worker: { maxConcurrentSlices: 0 }'),
      '3:32: `worker.maxConcurrentSlices`: expected a whole number above 0, found 0',
    ],
    [
      'a build id without quotes',
      head('worker: { buildId: 1.10 }'),
      '3:20: `worker.buildId`: expected the id of a build; put numbers in quotes, found 1.1',
    ],
    [
      'queues that are a list',
      'environment: a\nqueues: [b]',
      '2:9: `queues`: expected a map of task queues, found a list',
    ],
    ['a participant that is no name', head('participants: [a b]'), `3:16: \`participants[0]\`: ${NAME}, found "a b"`],
    [
      'a database without a variable',
      head('databases: { app: {} }'),
      '3:19: `databases.app.env`: missing, expected the name of the environment variable that holds the URL, not the URL itself',
    ],
    [
      'a plan that is no name',
      head('plans: { a b: { steps: [external: true] } }'),
      `3:10: \`plans\`: ${NAME}, found "a b"`,
    ],
    [
      'a URL where the name of a variable should be',
      head('notices: [{ webhook: "https://example.org/hook", secret: S }]'),
      '3:22: `notices[0].webhook`: expected the name of the environment variable that holds the URL of the receiver, not the URL itself, found a URL',
    ],
    [
      'a receiver of no type',
      head('notices: [{ wehbook: A, secret: S }]'),
      '3:11: `notices[0]`: expected a receiver with exactly one of webhook, slack, mail, found one with `wehbook` (did you mean `webhook`?), `secret`',
    ],
    [
      'an event that is none',
      head('notices: [{ slack: A, events: [job.done] }]'),
      `3:32: \`notices[0].events[0]\`: expected one of ${NOTICE_EVENTS.join(', ')}, found "job.done"`,
    ],
    [
      'an event that is nearly one',
      head('notices: [{ slack: A, events: [deploy.rolledback] }]'),
      `3:32: \`notices[0].events[0]\`: expected one of ${NOTICE_EVENTS.join(', ')} (did you mean \`deploy.rolledBack\`?), found "deploy.rolledback"`,
    ],
    [
      'a receiver of deploys that is narrowed to some jobs',
      head('notices: [{ slack: A, events: [deploy.held], jobs: [importCities] }]'),
      '3:32: `notices[0].events[0]`: "deploy.held" is told of all deploys, and `jobs` narrows this receiver to some jobs: give deploys a receiver of their own',
    ],
    [
      'a receiver that is told of nothing',
      head('notices: [{ slack: A, events: [] }]'),
      '3:31: `notices[0].events`: expected a list of events, found an empty list',
    ],
    [
      'two receivers of one name',
      head('notices: [{ slack: A }, { slack: B }]'),
      '3:25: `notices[1]`: without a `name` it is called `slack`, as `notices[0]` is already; give it one',
    ],
    [
      'a sender with a line break',
      head('notices: [{ mail: A, from: "a@b.org\\nBcc: c@d.org" }]'),
      '3:28: `notices[0].from`: expected a sender such as lockkeeper@example.org or Lockkeeper <lockkeeper@example.org>, found "a@b.org\\nBcc: c@d.org"',
    ],
    ['a plan without steps', head('plans: { p: {} }'), '3:13: `plans.p.steps`: missing, expected a list of steps'],
    ['a plan of no step', step(''), '3:22: `plans.p.steps`: expected at least one step, found an empty list'],
    [
      'a pattern that is none',
      head('plans: { p: { parameters: { v: { pattern: ( } }, steps: [external: true] } }'),
      '3:43: `plans.p.parameters.v.pattern`: expected a regular expression, found "("',
    ],
    [
      'a parameter that is no name',
      head('plans: { p: { parameters: { a-b: }, steps: [external: true] } }'),
      `3:29: \`plans.p.parameters\`: ${VARIABLE}, found "a-b"`,
    ],
  ])('%s', async (_title, yaml, problem) => {
    expect(await problemsOf(yaml)).toEqual([problem]);
  });

  test('a URL where the name of a variable belongs is refused and not repeated', async () => {
    const error = await errorOf(configOf(head('databases: { app: { env: postgres://me:hunter2@db/app } }')));
    expect(error.message).toMatch(/:3:26: `databases\.app\.env`: expected the name of .*, found a URL$/);
    expect(error.message).not.toContain('hunter2');
  });
});

describe('steps', () => {
  test.each<Row>([
    [
      'a command that is a string',
      step('command: ./restart.sh --all'),
      `3:32: \`plans.p.steps[0].command\`: ${ARGV}, found "./restart.sh --all"`,
    ],
    [
      'a rollback that is a string',
      step('{ external: true, rollback: undo }'),
      `3:51: \`plans.p.steps[0].rollback\`: ${ARGV}, found "undo"`,
    ],
    [
      'an empty command',
      step('command: []'),
      '3:32: `plans.p.steps[0].command`: expected a list with at least the program to run, found an empty list',
    ],
    [
      'a number in a command',
      step('command: [a, 8080]'),
      '3:36: `plans.p.steps[0].command[1]`: expected a word; put numbers in quotes, found 8080',
    ],
    [
      'a number in env',
      step('{ command: [a], env: { PORT: 80 } }'),
      '3:52: `plans.p.steps[0].env.PORT`: expected a string; put numbers in quotes, found 80',
    ],
    [
      'a variable that is no name',
      step('{ command: [a], env: { a-b: c } }'),
      `3:46: \`plans.p.steps[0].env\`: ${VARIABLE}, found "a-b"`,
    ],
    ['no type', step('name: x'), `3:23: \`plans.p.steps[0]\`: ${STEP}, found one with \`name\``],
    [
      'a misspelt type',
      step('comand: [a]'),
      `3:23: \`plans.p.steps[0]\`: ${STEP}, found one with \`comand\` (did you mean \`command\`?)`,
    ],
    [
      'two types',
      step('{ command: [a], migrate: b }'),
      `3:23: \`plans.p.steps[0]\`: ${STEP}, found one with \`command\`, \`migrate\``,
    ],
    ['a bare word', step('external'), `3:23: \`plans.p.steps[0]\`: ${STEP}, found "external"`],
    ['external that is not true', step('external: no'), '3:33: `plans.p.steps[0].external`: expected true, found "no"'],
    [
      'an option of another type',
      step('{ external: true, idempotent: true }'),
      '3:41: `plans.p.steps[0]`: unknown option `idempotent`; known: `external`, `lease`, `claimWithin`, `name`, `timeout`, `rollback`',
    ],
    [
      'a lease of nothing',
      step('{ external: true, lease: 0 }'),
      `3:48: \`plans.p.steps[0].lease\`: ${DURATION}, longer than 0, found 0`,
    ],
    [
      'two external steps',
      step('external: true, { external: true, name: b }'),
      '3:39: `plans.p.steps[1]`: a plan has at most one external step, and `steps[0]` is one already',
    ],
    [
      'two steps of one name',
      step('{ command: [a], name: x }, { migrate: b, name: x }'),
      '3:70: `plans.p.steps[1].name`: "x" is the name of `steps[0]` already; use another',
    ],
    [
      'two steps without a name',
      step('migrate: a, migrate: b'),
      '3:35: `plans.p.steps[1]`: without a `name` it is called `migrate`, as `steps[0]` is already; give it one',
    ],
    [
      'a hundred steps',
      step(Array.from({ length: 100 }, (_, i) => `{ command: [a], name: s${i} }`).join(', ')),
      '3:2884: `plans.p.steps[99]`: a plan has at most 99 steps, found 100',
    ],
    [
      'an unknown database',
      step('{ migrate: a, database: legder }'),
      '3:47: `plans.p.steps[0].database`: unknown database "legder", did you mean `ledger`?',
    ],
  ])('%s', async (_title, yaml, problem) => {
    expect(await problemsOf(yaml)).toEqual([problem]);
  });
});

describe('what holds between options', () => {
  test.each<Row>([
    [
      'a grace as long as the end',
      head('worker: { shutdownGrace: 30s, shutdownForce: 30s }'),
      '3:26: `worker.shutdownGrace`: shutdownGrace must be shorter than shutdownForce, found "30s" and "30s"',
    ],
    [
      'a grace longer than the default end',
      head('worker: { shutdownGrace: 1m }'),
      '3:26: `worker.shutdownGrace`: shutdownGrace must be shorter than shutdownForce, found "1m" and 25.0 s (the default)',
    ],
    [
      'an end before the default grace',
      head('worker: { shutdownForce: 5s }'),
      '3:26: `worker.shutdownForce`: shutdownGrace must be shorter than shutdownForce, found 20.0 s (the default) and "5s"',
    ],
    [
      'a queue fed by none',
      head('queues: { imports: , reports: { after: [import] } }'),
      '3:41: `queues.reports.after[0]`: unknown queue "import", did you mean `imports`?',
    ],
    [
      'a queue fed by one twice',
      head('queues: { a: , b: { after: [a, a] } }'),
      '3:32: `queues.b.after[1]`: "a" is in this list twice',
    ],
    [
      'a queue that feeds itself',
      head('queues: { a: { after: [a] } }'),
      '3:24: `queues.a.after[0]`: queues wait for each other in a circle: `a` after `a`',
    ],
    [
      'queues in a circle',
      head('queues: { a: { after: [c] }, b: { after: [a] }, c: { after: [b] } }'),
      '3:43: `queues.b.after[0]`: queues wait for each other in a circle: `a` after `c` after `b` after `a`',
    ],
    [
      "the deploys' own queue",
      head('queues: { lockkeeper-test: }'),
      '3:11: `queues`: `lockkeeper-test` is the queue on which the deploys themselves run; no deploy may pause it',
    ],
    ['a participant named twice', head('participants: [a, a]'), '3:19: `participants[1]`: "a" is in this list twice'],
    [
      "a database with the ledger's name",
      head('databases: { ledger: { env: A } }'),
      '3:14: `databases`: `ledger` is always there, at the URL in DATABASE_URL; remove it or use another name',
    ],
    [
      'a plan that pauses no known queue',
      head('queues: { a: }\nplans: { p: { queues: [bcd], steps: [external: true] } }'),
      '4:24: `plans.p.queues[0]`: unknown queue "bcd"; known: `a`',
    ],
    [
      'a plan that pauses one queue twice',
      head('plans: { p: { queues: [a, a], steps: [external: true] } }'),
      '3:27: `plans.p.queues[1]`: "a" is in this list twice',
    ],
  ])('%s', async (_title, yaml, problem) => {
    expect(await problemsOf(yaml)).toEqual([problem]);
  });

  test('a queue may feed two that feed the same one', async () => {
    const config = await configOf(head('queues: { a: , b: { after: [a] }, c: { after: [a] }, d: { after: [b, c] } }'));
    expect(config.queues).toHaveLength(4);
  });
});

describe('unknown options', () => {
  test.each<Row>([
    ['at the top', head('job: a'), '3:1: unknown option `job`, did you mean `jobs`?'],
    [
      'of the worker',
      head('worker: { shutdowngrace: 1s }'),
      '3:11: `worker`: unknown option `shutdowngrace`, did you mean `shutdownGrace`?',
    ],
    [
      'of a queue',
      head('queues:\n  a: { afetr: [] }'),
      '4:8: `queues.a`: unknown option `afetr`, did you mean `after`?',
    ],
    [
      'of a plan',
      head('plans: { p: { onFail: hold, steps: [external: true] } }'),
      '3:15: `plans.p`: unknown option `onFail`; known: `queues`, `onFailure`, `hold`, `drain`, `parameters`, `approvals`, `steps`',
    ],
    [
      'of a step',
      step('{ command: [a], idempotant: true }'),
      '3:39: `plans.p.steps[0]`: unknown option `idempotant`, did you mean `idempotent`?',
    ],
  ])('%s', async (_title, yaml, problem) => {
    expect(await problemsOf(yaml)).toEqual([problem]);
  });
});

describe('YAML', () => {
  test.each<Row>([
    ['an option there twice', head('jobs: b'), '3:1: this option is there twice; keep one'],
    ['two documents', head('---\na: b'), '3:1: a second YAML document begins here; keep one in the file'],
    ['an alias of nothing', 'environment: *e', '1:14: the alias *e has no anchor &e before it'],
    ['a tab', head('drain:\n\twait: 1s'), '4:1: not valid YAML: Tabs are not allowed as indentation'],
  ])('%s', async (_title, yaml, problem) => {
    expect(await problemsOf(yaml)).toContainEqual(problem);
  });

  test('a text that is not YAML is not checked any further', async () => {
    expect(await problemsOf('evironment: [')).toEqual([expect.stringContaining('not valid YAML')]);
  });

  test('an empty file lacks what a config must have', async () => {
    expect(await problemsOf('# later')).toHaveLength(2);
  });

  test('a problem behind an alias is at the anchor', async () => {
    const yaml = head('plans: { p: { drain: &d { wait: x }, steps: [external: true] } }\ndrain: *d');
    expect(await problemsOf(yaml)).toEqual([
      `3:33: \`drain.wait\`: ${DURATION}, found "x"`,
      `3:33: \`plans.p.drain.wait\`: ${DURATION}, found "x"`,
    ]);
  });
});

test('everything that is wrong is reported at once, in the order of the file', async () => {
  const yaml = `environment: "a b"
job: [./jobs.ts]
drain: { deadlne: 3s, onTimeout: abandn }
queues:
  a: { after: [b] }
  b: { after: [a, c] }
plans:
  "bad name": { steps: [] }
  p:
    hold: \${HOLD}
    steps:
      - command: rm -rf
      - external: true
      - external: true
`;
  const problems = await problemsOf(yaml);
  expect(problems.map((problem) => /^\d+:\d+/.exec(problem)?.[0])).toEqual([
    '1:14',
    '2:1',
    '3:10',
    '3:34',
    '6:16',
    '6:19',
    '8:3',
    '8:24',
    '10:11',
    '12:18',
    '14:9',
    '14:9',
  ]);
  const error = await errorOf(configOf(yaml));
  expect(error.message).toMatch(/^the config has 12 problems\n/);
});
