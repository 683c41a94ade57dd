import { LockkeeperError } from '../errors.ts';
import { mailTeller } from './mail.ts';
import type { Receiver } from './receiver.ts';
import type { ReceiverConfig } from './receiver-config.ts';
import { slackTeller } from './slack.ts';
import { webhookTeller } from './webhook.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Those who are told, with what the environment says of how they are reached.
 * @throws {LockkeeperError} CONFIG_INVALID when variables are not set, or hold something else; their values are never shown
 */
export function receiversOf(configs: readonly ReceiverConfig[], env: Variables): Receiver[] {
  refuseMissing(configs, env);
  return configs.map((config) => ({
    name: config.name,
    events: config.events,
    ...(config.jobs && { jobs: config.jobs }),
    ...(config.owners && { owners: config.owners }),
    toOwner: config.type === 'mail' && config.address === undefined,
    details: config.details,
    tell: tellerOf(config, (name) => env[name]!.trim()),
  }));
}

/** All of them at once: whoever sets them does it in one place. */
function refuseMissing(configs: readonly ReceiverConfig[], env: Variables): void {
  const missing = configs.flatMap((config) =>
    [config.env, ...(config.type === 'webhook' ? [config.secret] : [])]
      .filter((name) => !env[name]?.trim())
      .map((name) => `${name}, of receiver \`${config.name}\`, is not set`),
  );
  if (missing.length === 0) return;
  throw new LockkeeperError(
    'CONFIG_INVALID',
    `who is told of jobs and deploys cannot be reached\n${missing.join('\n')}\n`,
    {
      next: 'Set them for the deploy worker, or take the receiver out of `notices`',
    },
  );
}

function tellerOf(config: ReceiverConfig, variable: (name: string) => string): Receiver['tell'] {
  const url = (protocols: readonly string[]) => urlIn(config, variable(config.env), protocols);
  switch (config.type) {
    case 'webhook':
      return webhookTeller(config, url(['https:', 'http:']), variable(config.secret));
    case 'slack':
      return slackTeller(url(['https:', 'http:']));
    case 'mail':
      return mailTeller(config, url(['smtps:', 'smtp:']));
  }
}

function urlIn(config: ReceiverConfig, value: string, protocols: readonly string[]): URL {
  const url = URL.parse(value);
  const expected = protocols.map((protocol) => `${protocol}//`).join(' or ');
  if (url === null || !protocols.includes(url.protocol) || url.hostname === '')
    throw invalid(config, `${config.env} is not a URL that begins with ${expected}`, SHOWN_NOWHERE);
  if (config.type !== 'mail' && (url.username !== '' || url.password !== '')) {
    throw invalid(
      config,
      `the URL in ${config.env} holds a user or a password, which is not sent`,
      'Put a token into its path, or check the signature instead',
    );
  }
  return url;
}

const SHOWN_NOWHERE = 'Correct it (it is not shown here: it may hold a secret)';

const invalid = (config: ReceiverConfig, what: string, next: string) =>
  new LockkeeperError('CONFIG_INVALID', `receiver of notices \`${config.name}\`: ${what}`, { next });
