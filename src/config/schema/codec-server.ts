import { z } from 'zod';
import { isOrigin, ORIGIN } from '../../origin.ts';
import { documented } from './documented.ts';
import { shaped, written } from './json-shape.ts';
import { isNotEmpty, maybe, names, options, portNumber, text, variableNamed, yesOrNo } from './values.ts';

const origin = shaped(z.string({ error: ORIGIN }).refine(isOrigin, { error: ORIGIN }), () =>
  written(ORIGIN, '^https?://[^/*\\s]+$'),
);
const file = text('a path');
const KEYS_URL = 'a URL that begins with https://';
const keysUrl = shaped(z.string({ error: KEYS_URL }).refine(isSafeUrl, { error: KEYS_URL }), () =>
  written(KEYS_URL, '^https?://'),
);

/** Whoever can change keys on their way can sign whatever they like. On this machine nobody can. */
function isSafeUrl(text: string): boolean {
  const url = URL.parse(text);
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && url.hostname === '127.0.0.1');
}

/** `lockkeeper codec-server`. */
export const codecServer = options({
  address: documented(maybe(text('an address to listen on')), 'Where it listens', {
    default: '127.0.0.1',
    example: '127.0.0.1',
  }),
  port: documented(maybe(portNumber), 'The port; 0: a free one', { default: '8234', example: '8234' }),
  origins: documented(
    maybe(names(origin, 'a list of origins')),
    'Web UIs whose pages may ask, each as a browser writes its address, without a path',
    { default: 'none', example: "['https://temporal.example.com']" },
  ),
  namespaces: documented(
    maybe(names(text('the name of a namespace'), 'a list of namespaces')),
    'Namespaces whose payloads it decodes',
    { default: 'the one of the Temporal configuration', example: '[default]' },
  ),
  tls: documented(
    maybe(
      options({
        cert: documented(file, 'The certificate, and those between it and its authority, PEM', {
          example: './codec-server.pem',
        }),
        key: documented(file, 'The key of the certificate, PEM', { example: './codec-server.key' }),
      }),
    ),
    'Needed where it listens for other machines',
    { default: 'plain HTTP' },
  ),
  plainHttp: documented(
    maybe(yesOrNo),
    'Whether it may listen for other machines without TLS: for a proxy with TLS that nobody can go round',
    { default: 'false', example: 'false' },
  ),
  tokenEnv: documented(
    maybe(variableNamed('the name of the environment variable that holds the tokens, not the tokens themselves')),
    'The environment variable that holds the tokens, separated by commas or spaces',
    { default: 'LOCKKEEPER_CODEC_TOKEN', example: 'LOCKKEEPER_CODEC_TOKEN' },
  ),
  tokenFile: documented(maybe(file), 'A file that holds the tokens, one a line, in place of the variable', {
    default: 'none',
    example: './codec-server.tokens',
  }),
  accessTokens: documented(
    maybe(
      options({
        issuer: documented(text('the issuer, as it stands in `iss`'), 'Who issues them, as it stands in `iss`', {
          example: 'https://login.example.com/',
        }),
        audience: documented(text('the audience, as it stands in `aud`'), 'For whom, as it stands in `aud`', {
          example: 'https://temporal.example.com',
        }),
        keys: documented(keysUrl, 'Where the issuer publishes its keys (JWKS)', {
          example: 'https://login.example.com/.well-known/jwks.json',
        }),
        claim: documented(text('the name of a claim'), 'The claim that tells who it is', { example: 'email' }),
        values: documented(
          names(text('a value of the claim'), 'a list of values').refine(isNotEmpty, { error: 'at least one value' }),
          'Who may read: its values, or for a list in it one of them',
          { example: '[ada@example.com]' },
        ),
      }),
    ),
    "Access tokens of the Web UI's own users, which it passes on when it is told to; taken beside the tokens",
    { default: 'none' },
  ),
});
