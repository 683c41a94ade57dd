import { JOB_EVENTS, NOTICE_EVENTS } from '../notices/events.ts';
import type { ReceiverConfig } from '../notices/receiver-config.ts';
import type { ParsedReceiver } from './schema/notices.ts';

/** A receiver of notices with its defaults. */
export function buildReceiver(receiver: ParsedReceiver): ReceiverConfig {
  const { name = receiver.type, jobs, owners, details = false } = receiver;
  const events = receiver.events ?? (jobs || owners ? JOB_EVENTS : NOTICE_EVENTS);
  const wanted = { name, events, ...(jobs && { jobs }), ...(owners && { owners }), details };
  switch (receiver.type) {
    case 'webhook':
      return { ...wanted, type: 'webhook', env: receiver.webhook, secret: receiver.secret };
    case 'slack':
      return { ...wanted, type: 'slack', env: receiver.slack };
    case 'mail': {
      const { from, address } = receiver;
      return { ...wanted, type: 'mail', env: receiver.mail, from, ...(address !== undefined && { address }) };
    }
  }
}
