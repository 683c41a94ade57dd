import { BOARD_OUTPUTS } from './board.ts';
import { DEPLOY_OUTPUTS } from './deploys.ts';
import { GATES_OUTPUTS } from './gates.ts';
import { GRAPH_OUTPUTS } from './graphs.ts';
import { JOB_OUTPUTS } from './jobs.ts';
import { KEYS_OUTPUTS } from './keys.ts';
import { ORDER_OUTPUTS } from './order.ts';
import { NOTICE_OUTPUTS } from './notices.ts';
import { OTHER_OUTPUTS } from './others.ts';

/** What every command prints with `--json`; docs/json.md is made of this, and the tests hold real output against it. */
export const JSON_OUTPUTS = [
  ...DEPLOY_OUTPUTS,
  ...ORDER_OUTPUTS,
  ...JOB_OUTPUTS,
  ...GRAPH_OUTPUTS,
  ...GATES_OUTPUTS,
  ...BOARD_OUTPUTS,
  ...KEYS_OUTPUTS,
  ...NOTICE_OUTPUTS,
  ...OTHER_OUTPUTS,
];
export { ErrorOutput } from './errors.ts';
