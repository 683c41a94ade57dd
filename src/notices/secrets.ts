/** Shorter ones are no secrets, and would tear words apart. */
const SHORTEST = 4;

/** Texts from elsewhere may repeat what they were sent: makes a function that takes these secrets out. */
export function withoutSecrets(secrets: readonly string[]): (text: string) => string {
  const known = secrets.filter((secret) => secret.length >= SHORTEST).sort((a, b) => b.length - a.length);
  return (text) => known.reduce((left, secret) => left.replaceAll(secret, '***'), text);
}

/** What is secret of a URL: all of it, what stands behind the host, and user and password, as they are and as they are written. */
export function secretsOf(url: URL): string[] {
  const { href, pathname, search, username, password } = url;
  const behind = `${pathname}${search}`;
  const parts = [href, behind, search.slice(1), username, password];
  return [...parts, decoded(username), decoded(password), basic(username, password)].filter(
    (part) => part !== '' && part !== '/',
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Then it is meant as it is written.
    return text;
  }
}

/** As SMTP's AUTH PLAIN sends it. */
const basic = (user: string, password: string) =>
  password === '' ? '' : Buffer.from(`\0${decoded(user)}\0${decoded(password)}`).toString('base64');
