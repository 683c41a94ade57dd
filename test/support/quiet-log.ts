import type { Logger } from '../../src/log.ts';

const nothing = () => undefined;

/** For parts whose log is not what the test is about. */
export const quietLog: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
