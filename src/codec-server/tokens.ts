import { createHash, timingSafeEqual } from 'node:crypto';

/** 16 random bytes as hex, the least that nobody guesses. */
const LEAST_CHARACTERS = 32;
/** A repeated word is no token, however long. */
const LEAST_DIFFERENT = 10;
/** What an `Authorization: Bearer` header may hold (RFC 6750). */
const BEARER = /^[A-Za-z0-9._~+/-]+=*$/;

/** Whoever knows one of them may read. Several, so that one can be replaced without a moment in which none holds. */
export class Tokens {
  readonly #digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digest);
  }

  /**
   * What stands for the token among those who know it, to sign by; undefined when it is none of them. All are compared, each in
   * constant time: how long it takes tells nothing of what a token begins with, nor of which one it was.
   */
  find(offered: string): Buffer | undefined {
    const found = digest(offered);
    return this.#digests.filter((one) => timingSafeEqual(one, found))[0];
  }

  /** Each in turn, for what was signed by one of them. */
  get digests(): readonly Buffer[] {
    return this.#digests;
  }
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();

/** The tokens of a variable or file, separated by commas, spaces or lines. */
export const splitTokens = (text: string): string[] => text.split(/[\s,]+/).filter((token) => token !== '');

/** What is wrong with tokens, without anything of them; `source` says where they are from. */
export function problemsOfTokens(tokens: readonly string[], source: string): string[] {
  if (tokens.length === 0) return [`${source} holds no token; make one with \`openssl rand -hex 32\``];
  return tokens.flatMap((token, i) => {
    const wrong = problemOf(token);
    return wrong === undefined ? [] : [`${source}, token ${i + 1}: ${wrong}; make one with \`openssl rand -hex 32\``];
  });
}

function problemOf(token: string): string | undefined {
  if (token.length < LEAST_CHARACTERS)
    return `it has ${token.length} characters, at least ${LEAST_CHARACTERS} are needed`;
  if (!BEARER.test(token)) return 'it holds characters that a header cannot carry';
  if (new Set(token).size < LEAST_DIFFERENT) return 'it repeats itself and can be guessed';
  return undefined;
}
