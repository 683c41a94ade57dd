import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

/** Whose access tokens are taken beside the server's own: those that the Web UI passes on of its users. */
export interface AccessTokenRules {
  /** As it stands in `iss`. */
  readonly issuer: string;
  readonly audience: string;
  /** Where the issuer publishes the keys it signs by (JWKS). */
  readonly keys: string;
  /** Which claim tells users apart, such as `sub` or `email`, and which values of it may read. */
  readonly claim: string;
  readonly values: readonly string[];
}

/** What is signed by a secret (HS256) or by nothing is never taken: the keys of an issuer are public. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Clocks differ, seconds. */
const CLOCK_TOLERANCE = 5;
/** An issuer that is slow must not hold requests, milliseconds. */
const KEYS_WITHIN = 5_000;

/** `unknown`: the issuer's keys cannot be had, so nothing can be said of the token. */
export type AccessTokenCheck = (token: string) => Promise<'right' | 'wrong' | 'unknown'>;

export function accessTokenCheck({ issuer, audience, keys, claim, values }: AccessTokenRules): AccessTokenCheck {
  const keySet = createRemoteJWKSet(new URL(keys), { timeoutDuration: KEYS_WITHIN });
  return async (token) => {
    try {
      const { payload } = await jwtVerify(token, keySet, {
        issuer,
        audience,
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['exp', claim],
      });
      const held: unknown = payload[claim];
      const found: readonly unknown[] = Array.isArray(held) ? held : [held];
      return found.some((value) => typeof value === 'string' && values.includes(value)) ? 'right' : 'wrong';
    } catch (error) {
      return isOfToken(error) ? 'wrong' : 'unknown';
    }
  };
}

const isOfToken = (error: unknown): boolean =>
  error instanceof errors.JOSEError &&
  // What came was no set of keys, or did not come.
  !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC');
