/** Text that Postgres and Temporal can store: NUL bytes and half characters, as a command's output may have, are replaced. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed();
}
