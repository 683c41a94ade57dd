/** What an origin must be, for errors. */
export const ORIGIN =
  'an origin as a browser writes it, such as https://temporal.example.com: no path, nothing that stands for several';

/** Whether the text is what a browser sends as `Origin`: only so can it be compared by letters. */
export function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return (url?.protocol === 'http:' || url?.protocol === 'https:') && url.origin === text && !text.includes('*');
}
