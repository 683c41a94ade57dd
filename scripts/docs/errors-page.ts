import { exitCodeOfError } from '../../src/cli/exit-codes.ts';
import { ERROR_MEANINGS } from '../../src/error-meanings.ts';
import { ERROR_CODES, LockkeeperError } from '../../src/errors.ts';
import { cell, GENERATED } from './markdown.ts';

const INTRODUCTION = `# Errors

Every error says what was found, what was expected and what to do, and has a code that does not change: the command line prints
it in brackets, \`LockkeeperError\` has it as \`code\`, and across Temporal it is the \`type\` of the \`ApplicationFailure\`. Scripts branch on
the [exit code](cli.md#exit-codes). \`LOCKKEEPER_DEBUG=1\` adds the stack; no error ever shows a password, a key or a value that came from a variable.
`;

export function errorsPage(): string {
  const rows = [...ERROR_CODES].sort().map((code) => {
    const { meaning, remedy } = ERROR_MEANINGS[code];
    const exit = exitCodeOfError(new LockkeeperError(code, code));
    return `| \`${code}\` | ${cell(meaning)} | ${cell(remedy)} | ${exit} |`;
  });
  return [
    GENERATED,
    INTRODUCTION,
    ['| code | meaning | what to do | exit code |', '| --- | --- | --- | --- |', ...rows].join('\n'),
  ].join('\n\n');
}
