import { post } from './post.ts';
import type { Receiver } from './receiver.ts';
import { secretsOf, withoutSecrets } from './secrets.ts';
import { signatureOf, signingKeys } from './signature.ts';
import type { WebhookConfig } from './receiver-config.ts';

/** POSTs the notice as JSON, signed as https://www.standardwebhooks.com says. */
export function webhookTeller(config: WebhookConfig, url: URL, secret: string): Receiver['tell'] {
  const keys = signingKeys(config.secret, secret);
  const clean = withoutSecrets([...secretsOf(url), ...secret.split(/\s+/)]);
  return (notice) => {
    const body = JSON.stringify(notice);
    // Of this attempt: receivers refuse what is old.
    const seconds = Math.floor(Date.now() / 1_000);
    const headers = {
      'webhook-id': notice.id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureOf(keys, notice.id, seconds, body),
    };
    return post(url, body, headers, clean);
  };
}
