/** Line breaks and other controls, of which a text from elsewhere could make a header or a line of its own. */
export const oneLine = (text: string) => text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();

/** `2026-02-03 04:05:06 UTC`, of an ISO time or milliseconds since 1970. */
export const utc = (at: string | number) => `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
