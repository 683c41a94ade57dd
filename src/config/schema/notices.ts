import type { z } from 'zod';
import { NOTICE_EVENTS } from '../../notices/events.ts';
import { isMailAddress } from '../../jobs/owner.ts';
import { documented } from './documented.ts';
import { shaped } from './json-shape.ts';
import { typed, typesIn } from './typed.ts';
import type { Typed } from './typed.ts';
import { choice, isNotEmpty, list, maybe, name, names, options, text, variableNamed, yesOrNo } from './values.ts';

const urlVariable = (of: string) =>
  variableNamed(`the name of the environment variable that holds ${of}, not the URL itself`);

const some = <T extends z.ZodType>(item: T, expected: string) =>
  shaped(names(item, expected).refine(isNotEmpty, { error: expected }), (generated) => ({
    ...generated,
    uniqueItems: true,
    minItems: 1,
  }));

/** What every receiver may have. */
const common = (example: { readonly name: string; readonly events: string; readonly details?: string }) => ({
  name: documented(maybe(name), 'What it is called; unique in the list', {
    default: 'its type',
    example: example.name,
  }),
  events: documented(maybe(some(choice(...NOTICE_EVENTS), 'a list of events')), 'What it is told of', {
    default: 'all of them; with `jobs` or `owners`, those of jobs',
    example: example.events,
  }),
  jobs: documented(maybe(some(text('the name of a job'), 'a list of names of jobs')), 'Only of these jobs', {
    default: 'all',
    ...(example.details !== undefined && { example: '[importCities]' }),
  }),
  owners: documented(maybe(some(text('an owner'), 'a list of owners')), 'Only of jobs of these owners', {
    default: 'all, and jobs without an owner',
    ...(example.details !== undefined && { example: '[ada@example.org, team-maps]' }),
  }),
  details: documented(
    maybe(yesOrNo),
    'Whether it is told why a job or deploy failed or waits for a person, in the words of the error, which may hold what is in your data',
    { default: 'false', ...(example.details !== undefined && { example: example.details }) },
  ),
});

const ADDRESS = 'a mail address such as ops@example.org';
const SENDER = 'a sender such as lockkeeper@example.org or Lockkeeper <lockkeeper@example.org>';

/** The types of receivers of notices; the first option of each gives it its type. */
export const RECEIVERS = {
  webhook: options({
    webhook: documented(
      urlVariable('the URL of the receiver'),
      'JSON by POST, signed. The environment variable of the deploy worker that holds the URL',
      { example: 'NOTICES_URL' },
    ),
    secret: documented(
      variableNamed('the name of the environment variable that holds the secret, not the secret itself'),
      'The environment variable that holds the secret of the signature',
      { example: 'NOTICES_SECRET' },
    ),
    ...common({ name: 'status-page', events: '[job.quarantined, job.failed]', details: 'true' }),
  }),
  slack: options({
    slack: documented(
      urlVariable('the URL of the incoming webhook'),
      'A message in a channel of Slack. The environment variable that holds the URL of its incoming webhook',
      { example: 'SLACK_URL' },
    ),
    ...common({ name: 'channel', events: '[deploy.waiting, deploy.held, deploy.failed, deploy.finished]' }),
  }),
  mail: options({
    mail: documented(
      urlVariable('the URL of the SMTP server'),
      'An e-mail. The environment variable that holds the URL of the SMTP server',
      { example: 'SMTP_URL' },
    ),
    from: documented(text(SENDER).refine(isSender, { error: SENDER }), 'Who sends it', {
      example: 'Lockkeeper <lockkeeper@example.org>',
    }),
    address: documented(
      maybe(text(ADDRESS).refine(isMailAddress, { error: ADDRESS })),
      'To whom it goes, whoever the owner is',
      { default: "the job's owner, or who asked for the deploy, where that is an address", example: 'ops@example.org' },
    ),
    ...common({ name: 'operators', events: '[job.quarantined, job.failed, job.finished]' }),
  }),
};

export type ParsedReceiver = Typed<typeof RECEIVERS>;

/** The types a raw receiver claims to have: exactly one, if it is right. */
export const receiverTypes = (raw: unknown) => typesIn(RECEIVERS, raw);

export const receivers = list(typed(RECEIVERS, 'a receiver'), 'a list of receivers');

function isSender(value: string): boolean {
  const named = /^[^<>\p{Cc}]+ <([^<>]+)>$/u.exec(value)?.[1];
  return isMailAddress(named ?? value);
}
