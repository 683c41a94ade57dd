import { LockkeeperError } from '../errors.ts';
import { mailTeller } from './mail.ts';
import type { Receiver } from './receiver.ts';
import type { ReceiverConfig } from './receiver-config.ts';
import { slackTeller } from './slack.ts';
import { webhookTeller } from './webhook.ts';

/**
 * Those who are told, with what the environment says of how they are reached.
 * @throws {LockkeeperError} CONFIG_INVALID when a variable is not set, or holds something else; its value is never shown
 */
export function receiversOf(
  configs: readonly ReceiverConfig[],
  env: Readonly<Record<string, string | undefined>>,
): Receiver[] {
  return configs.map((config) => ({
    name: config.name,
    events: config.events,
    ...(config.jobs && { jobs: config.jobs }),
    ...(config.owners && { owners: config.owners }),
    toOwner: config.type === 'mail' && config.address === undefined,
    details: config.details,
    tell: tellerOf(config, env),
  }));
}

function tellerOf(config: ReceiverConfig, env: Readonly<Record<string, string | undefined>>): Receiver['tell'] {
  const variable = (name: string): string => {
    const value = env[name]?.trim();
    if (value) return value;
    throw invalid(config, `${name} is not set`, `Set ${name} for the deploy worker`);
  };
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
