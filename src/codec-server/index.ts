export { startCodecServer } from './server.ts';
export type { CodecServer } from './server.ts';
export type { CodecServerSettings } from './settings.ts';
export { problemsOfSettings, refuseProblems } from './settings.ts';
export { splitTokens } from './tokens.ts';
