/** What to write instead of a name that jobs and graphs cannot have; undefined if they can. */
export function refuseUnusableName(name: unknown): string | undefined {
  if (typeof name === 'string' && /^[A-Za-z_][\w.-]{0,99}$/.test(name)) return undefined;
  return 'Use letters, digits, `_`, `.` and `-`, at most 100, beginning with a letter or `_`';
}
