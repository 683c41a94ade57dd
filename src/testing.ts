/** Entry `lockkeeper/testing`: what the tests of your jobs import, whatever runs them. */
export { runJobInTest } from './testing/run-job-in-test.ts';
export type { TestRun, TestRunOptions, TestSettings, TestSlice } from './testing/run-job-in-test.ts';
export { everyInterruption } from './testing/every-interruption.ts';
export type { EveryInterruptionOptions } from './testing/every-interruption.ts';
export type { Disturbances } from './testing/disturbances.ts';
