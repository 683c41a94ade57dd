import type { NoticeDeploy } from './deploy-notice.ts';
import type { DeployWords } from './deploy-words.ts';
import { utc } from './phrases.ts';

/** What a deploy waits for, and what a person can do about it. */
export function waitingWords({ id, waitsFor }: NoticeDeploy): DeployWords {
  switch (waitsFor?.kind) {
    case 'approval': {
      const { by, needed, notRequester, allowed } = waitsFor;
      const who = allowed ? allowed.filter((name) => !by.includes(name)).join(', ') : 'anybody';
      return [
        'waits for approval',
        `${by.length} of ${needed} have approved it${by.length > 0 ? `: ${by.join(', ')}` : ''}. ` +
          `It may be approved by ${who}${notRequester ? ', but not by the one who asked for it' : ''}.`,
        `deploy show ${id}`,
        `deploy approve ${id}`,
      ];
    }
    case 'freeze': {
      const { by, until, reason } = waitsFor;
      return [
        'waits for the end of a freeze',
        `Frozen ${by === undefined ? 'by a window of lockkeeper.yaml' : `by ${by}`}${until === undefined ? '' : ` until ${utc(until)}`}: ${reason}`,
        `deploy expedite ${id} --through-freeze --reason …`,
        ...(by === undefined ? [] : ['unfreeze --reason …']),
      ];
    }
    case 'schedule':
      return ['waits for its time', `It takes no part in the order before ${utc(waitsFor.at)}.`, `deploy show ${id}`];
    case 'order':
      return [
        `waits for ${waitsFor.ahead.join(', ')}`,
        'Deploys run one at a time, in the order of their approval.',
        ...waitsFor.ahead.slice(0, 1).map((ahead) => `deploy show ${ahead}`),
        `deploy expedite ${id} --reason …`,
      ];
    case undefined:
      return ['waits', 'What for, its record says.', `deploy show ${id}`];
  }
}
