import { NOTICE_TIMEOUT } from '../defaults.ts';
import { errorMessage } from '../errors.ts';
import type { Told } from './receiver.ts';

/** As much of an answer as is shown to people, characters. */
const SHOWN = 200;
/** A receiver that wants to be left alone for longer is asked all the same, milliseconds. */
const LONGEST_PAUSE = 3_600_000;

/** Sends JSON once. Redirects are not followed: they would take a signed notice to somebody else. */
export async function post(
  url: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
  clean: (text: string) => string,
): Promise<Told> {
  const signal = AbortSignal.timeout(NOTICE_TIMEOUT);
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', 'user-agent': 'lockkeeper', ...headers },
      body,
      signal,
    });
    const { status, ok } = response;
    const said = clean(await beginningOf(response));
    if (ok) return { ok, said: `answered ${status}` };
    const redirected = status >= 300 && status < 400;
    const error = `answered ${status}${redirected ? ', a redirect, which is not followed' : ''}`;
    // 410 Gone is how a receiver says that it wants no more of this.
    return { ok, error, said, ...againAfter(response), ...(status === 410 && { forGood: true }) };
  } catch (error) {
    return {
      ok: false,
      error: signal.aborted ? `no answer within ${NOTICE_TIMEOUT / 1_000} s` : clean(causeOf(error)),
    };
  }
}

/** `fetch failed` says nothing, its cause does. */
const causeOf = (error: unknown) => errorMessage(error instanceof Error && error.cause ? error.cause : error);

async function beginningOf({ body }: Response): Promise<string> {
  if (!body) return '';
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    // Leaving the loop cancels the rest.
    if (text.length >= SHOWN) break;
  }
  return text.slice(0, SHOWN).replaceAll(/\s+/g, ' ').trim();
}

function againAfter(response: Response): { readonly againAfter?: number } {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return seconds > 0 ? { againAfter: Math.min(seconds * 1_000, LONGEST_PAUSE) } : {};
}
