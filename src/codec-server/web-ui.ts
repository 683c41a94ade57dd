import proxy from '@fastify/http-proxy';
import type { FastifyInstance } from 'fastify';
import { Refusal } from './refusals.ts';

/** What a browser on this machine calls this machine. A page that has its own name point here is not to act as the Web UI. */
const THIS_MACHINE = ['127.0.0.1', 'localhost'];

/**
 * Temporal's Web UI at the codec server's own address, for development. A page asks its own origin with its cookies and without
 * being told to; the Web UI of the dev server cannot be told to send them elsewhere.
 */
export async function fronted(
  app: FastifyInstance,
  { webUi }: { readonly webUi: () => string | undefined },
): Promise<void> {
  await app.register(proxy, {
    upstream: '',
    preHandler: (request, _reply, done) =>
      done(
        THIS_MACHINE.includes(request.hostname)
          ? undefined
          : new Refusal(403, 'this address is for this machine alone'),
      ),
    replyOptions: {
      getUpstream: () => {
        const url = webUi();
        if (url === undefined) throw new Refusal(503, 'the Web UI is not there yet');
        return url;
      },
    },
  });
}
