import type { NoticeEvent } from './events.ts';

/** Who is told of what, as `lockkeeper.yaml` says; addresses with secrets in them are in the environment. */
export type ReceiverConfig = WebhookConfig | SlackConfig | MailConfig;

interface WantedNotices {
  /** Unique in the environment. */
  readonly name: string;
  /** The environment variable that holds the URL. */
  readonly env: string;
  readonly events: readonly NoticeEvent[];
  /** Names of jobs; left out: all. */
  readonly jobs?: readonly string[];
  /** Left out: all jobs, also those without an owner. */
  readonly owners?: readonly string[];
  /** Whether it is told why a job or deploy failed, in the words of the error. */
  readonly details: boolean;
}

export interface WebhookConfig extends WantedNotices {
  readonly type: 'webhook';
  /** The environment variable that holds the secret of the signature. */
  readonly secret: string;
}

export interface SlackConfig extends WantedNotices {
  readonly type: 'slack';
}

export interface MailConfig extends WantedNotices {
  readonly type: 'mail';
  readonly from: string;
  /** Left out: that of the job's owner, or of whoever asked for the deploy, where it is one. */
  readonly address?: string;
}
