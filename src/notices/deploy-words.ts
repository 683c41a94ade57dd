import { shellWord } from '../shell.ts';
import { drainWords } from './drain-words.ts';
import type { NoticeDeploy } from './deploy-notice.ts';
import type { DeployEvent } from './events.ts';
import type { DeployNotice } from './notice.ts';
import { utc } from './phrases.ts';
import { waitingWords } from './waiting-words.ts';
import type { Told } from './words.ts';

export function deployWords({ type, data: { environment, deploy } }: DeployNotice): Told {
  const [became, text, ...acts] = OF_EVENT[type](deploy);
  return {
    subject: ['Deploy', deploy.id],
    became,
    text,
    facts: [
      ['Deploy', deploy.id],
      ['Version', deploy.version],
      ['Plan', deploy.plan],
      ['Asked for by', deploy.requestedBy],
      ['Environment', environment],
      ['Code', deploy.code],
      ['Step', deploy.step && `${deploy.step.n}, ${deploy.step.name}`],
      ['Until', deploy.until === undefined ? undefined : utc(deploy.until)],
    ],
    // Whoever reads it may have another environment in their config, or none.
    commands: acts.map((act) => `lockkeeper ${act} --environment ${shellWord(environment)}`),
  };
}

/** How the title goes on, what it means, and commands without their environment. */
export type DeployWords = readonly [became: string, text: string, ...acts: string[]];

const OF_EVENT: Record<DeployEvent, (deploy: NoticeDeploy) => DeployWords> = {
  'deploy.requested': (deploy) => [
    'was asked for',
    `${deploy.requestedBy} asks for plan ${deploy.plan}${deploy.version === undefined ? '' : `, version ${deploy.version}`}.`,
    show(deploy),
  ],
  'deploy.waiting': waitingWords,
  'deploy.started': (deploy) => [
    'has begun',
    'It closes the gates of its task queues. Jobs save their place, and go on when it is over.',
    `deploy watch ${deploy.id}`,
  ],
  'deploy.drainLate': drainWords,
  'deploy.leaseLost': (deploy) => [
    'has lost its lease',
    `Whoever does ${stepOf(deploy)} has fallen silent, and its guard ends its command. Whether the work was done nobody knows.`,
    show(deploy),
  ],
  'deploy.held': heldWords,
  'deploy.failed': (deploy) => [
    'failed',
    `${stoppedBy(deploy)}Not everything that it began was undone, or nothing was begun. The gates are open.`,
    show(deploy),
  ],
  'deploy.rolledBack': (deploy) => [
    'was rolled back',
    `${stoppedBy(deploy)}Everything that it began was undone, and the gates are open.`,
    show(deploy),
  ],
  'deploy.aborted': (deploy) => [
    'was ended by a person',
    `It is over, and the gates are open.${deploy.said === undefined ? '' : ` It was ${sentence(deploy.said)}`}`,
    show(deploy),
  ],
  'deploy.finished': () => ['has succeeded', 'The gates are open, and jobs go on. Nothing is to be done.'],
};

function heldWords(deploy: NoticeDeploy): DeployWords {
  const { id, step, by, said } = deploy;
  if (step) {
    return [
      'waits for a decision',
      `It is held at ${stepOf(deploy)}, which has failed or is in doubt. Its gates may be closed. If nobody decides in time, it is rolled back.`,
      show(deploy),
      ...['retry-step', 'skip-step', 'abort'].map((act) => `deploy ${act} ${id} --reason …`),
    ];
  }
  return [
    'is held before its next step',
    `${by ?? 'Somebody'} holds it${said === undefined ? '.' : `: ${sentence(said)}`} Its gates may be closed. If nobody lets it go on in time, it is rolled back.`,
    ...['resume', 'abort'].map((act) => `deploy ${act} ${id} --reason …`),
  ];
}

const show = ({ id }: NoticeDeploy) => `deploy show ${id}`;

const stepOf = ({ step }: NoticeDeploy) => (step ? `step ${step.n}, ${step.name}` : 'its external step');

const stoppedBy = (deploy: NoticeDeploy) => (deploy.step ? `It was stopped by ${stepOf(deploy)}. ` : '');

const sentence = (text: string) => (/[.!?…]$/.test(text) ? text : `${text}.`);
