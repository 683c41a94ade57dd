export { startCodecServer } from './server.ts';
export type { CodecServer } from './server.ts';
export { DEFAULT_ADDRESS, DEFAULT_PORT, problemsOfSettings, refuseProblems } from './settings.ts';
export { splitTokens } from './tokens.ts';
