import { Readable } from 'node:stream';

/** Server-sent events, one for each thing that comes. */
export function eventStream<T>(things: AsyncIterable<T>, shown: (thing: T) => unknown): Readable {
  return Readable.from(
    (async function* () {
      for await (const thing of things) yield `event: progress\ndata: ${JSON.stringify(shown(thing))}\n\n`;
    })(),
    { objectMode: false },
  );
}
