/**
 * The entry of a bundle that holds workflows of users beside those of lockkeeper: each export is a workflow type.
 * `users-workflows` is no package: whoever bundles says which file it is (`src/workers/join-workflows.ts`).
 */
export * from './index.ts';
// @ts-expect-error -- known to the bundler alone
export * from 'users-workflows';
export { MADE_FOR_JOBS } from '../protocol/bundle.ts';
