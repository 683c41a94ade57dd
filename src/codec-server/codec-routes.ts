import cors from '@fastify/cors';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
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

/** `POST /decode` and `POST /encode`, as Temporal's Web UI and CLI call them. */
export async function codecRoutes(
  app: FastifyInstance,
  { keyring, rules }: { readonly keyring: Keyring; readonly rules: AccessRules },
): Promise<void> {
  await app.register(cors, {
    // Nothing at all is said to a page of another origin, not even what might be asked.
    origin: (origin, answer) => answer(null, origin !== undefined && rules.origins.includes(origin) ? origin : false),
    methods: ['POST'],
    allowedHeaders: ['Content-Type', 'X-Namespace', 'Authorization', 'Authorization-Extras'],
    credentials: true,
    maxAge: PREFLIGHT_AGE,
  });
  const codecs = new Map(rules.namespaces.map((namespace) => [namespace, new EncryptionCodec(keyring, namespace)]));
  const codecOf = (request: FastifyRequest) => codecs.get(request.told.namespace!)!;
  const checked = {
    onRequest: (request: FastifyRequest, reply: FastifyReply) => checkAccess(request, reply, rules),
  };

  app.post('/decode', checked, async (request) => {
    const { payloads, failed } = await decodeEach(codecOf(request), payloadsOf(request));
    if (failed.length > 0) request.told.failed = countByCode(failed);
    return { payloads };
  });
  // A right token gives nothing away by it: what is not encrypted is read as well.
  app.post('/encode', checked, async (request) => ({
    payloads: await encodeAll(codecOf(request), payloadsOf(request)),
  }));
}

function payloadsOf(request: FastifyRequest): readonly PayloadJson[] {
  const body = payloadsJson.safeParse(request.body);
  if (!body.success)
    throw new Refusal(400, 'expected {"payloads": [{"metadata": {<name>: <base64>}, "data": <base64>}]}');
  const { payloads } = body.data;
  request.told.count = payloads.length;
  return payloads;
}
