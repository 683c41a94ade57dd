import type { ReceiverRow } from '../ledger/receivers.ts';
import type { Notice } from './notice.ts';

/** What came back. No error holds a secret. */
export type Told =
  | { readonly ok: true; readonly said: string }
  | {
      readonly ok: false;
      readonly error: string;
      /** What else was said; not for the ledger. */
      readonly said?: string;
      /** Milliseconds that the receiver wants to be left alone. */
      readonly againAfter?: number;
      /** To try again would be of no use. */
      readonly forGood?: boolean;
    };

/** Somebody who is told. */
export interface Receiver extends ReceiverRow {
  readonly details: boolean;
  /** Tells it once, within NOTICE_TIMEOUT. Never throws. */
  tell(notice: Notice, owner: string | undefined): Promise<Told>;
}
