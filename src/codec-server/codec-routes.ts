import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { EncryptionCodec } from '../crypto/payload-codec.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { checkAccess } from './access.ts';
import type { AccessRules } from './access.ts';
import { countByCode } from './access-log.ts';
import { decodeEach, encodeAll, payloadsJson } from './payloads.ts';
import type { PayloadJson } from './payloads.ts';
import { Refusal } from './refusals.ts';

/** How long a browser remembers that it may ask, seconds. */
const PREFLIGHT_AGE = 600;

export interface CodecRoutesOptions {
  readonly keyring: Keyring;
  readonly rules: AccessRules;
}

type Act = (codec: EncryptionCodec, payloads: readonly PayloadJson[], request: FastifyRequest) => Promise<unknown>;

/** `POST /decode` and `POST /encode`, as Temporal's Web UI and CLI call them. */
export async function codecRoutes(app: FastifyInstance, { keyring, rules }: CodecRoutesOptions): Promise<void> {
  const codecs = new Map(rules.namespaces.map((namespace) => [namespace, new EncryptionCodec(keyring, namespace)]));
  const route = async (prefix: string, act: Act) => {
    // Below a prefix of its own: what pages of other origins may ask holds for this path alone, not for the login.
    await app.register(
      async (own) => {
        await own.register(cors, crossOrigin(rules));
        own.post('/', {
          prefixTrailingSlash: 'no-slash',
          onRequest: (request, reply) => checkAccess(request, reply, rules),
          handler: (request) => act(codecs.get(request.told.namespace!)!, payloadsOf(request), request),
        });
      },
      { prefix },
    );
  };

  await route('/decode', async (codec, asked, request) => {
    const { payloads, failed } = await decodeEach(codec, asked);
    if (failed.length > 0) request.told.failed = countByCode(failed);
    return { payloads };
  });
  // A right token gives nothing away by it: what is not encrypted is read as well.
  await route('/encode', async (codec, asked) => ({ payloads: await encodeAll(codec, asked) }));
}

const crossOrigin = ({ origins }: AccessRules) => ({
  // Nothing at all is said to a page of another origin, not even what might be asked.
  origin: (origin: string | undefined, answer: (error: null, allowed: string | false) => void) =>
    answer(null, origin !== undefined && origins.includes(origin) ? origin : false),
  methods: ['POST'],
  allowedHeaders: ['Content-Type', 'X-Namespace', 'Authorization', 'Authorization-Extras'],
  credentials: true,
  maxAge: PREFLIGHT_AGE,
});

function payloadsOf(request: FastifyRequest): readonly PayloadJson[] {
  const body = payloadsJson.safeParse(request.body);
  if (!body.success)
    throw new Refusal(400, 'expected {"payloads": [{"metadata": {<name>: <base64>}, "data": <base64>}]}');
  const { payloads } = body.data;
  request.told.count = payloads.length;
  return payloads;
}
