import { expect, test } from 'vitest';
import type { Command } from 'commander';
import { JSON_OUTPUTS } from '../../src/cli/json/index.ts';
import { Deploy, deployJson } from '../../src/cli/json/deploys.ts';
import { toShape } from '../../src/cli/json/print.ts';
import { createProgram } from '../../src/cli/program.ts';
import type { DeployRow } from '../../src/ledger/deploys.ts';

function withJson(command: Command, path: string[] = []): string[] {
  const own = command.options.some((option) => option.long === '--json') ? [path.join(' ')] : [];
  return [...own, ...command.commands.flatMap((sub) => withJson(sub, [...path, sub.name()]))];
}

test('every command that has --json has a documented shape, and no shape is without its command', () => {
  const documented = new Set(JSON_OUTPUTS.map(({ command }) => command.replace(/ --.*/, '')));
  expect([...documented].sort()).toEqual(withJson(createProgram()).sort());
});

test('a deploy leaves without its nonce, its fencing token and the commands of its plan', () => {
  const row = {
    id: 'v42',
    environment: 'production',
    request: {
      id: 'v42',
      plan: 'release',
      version: '4.2',
      requestedBy: 'ann',
      external: { mode: 'deadline', nonce: 'the-secret-nonce', deadlineMs: 1 },
    },
    plan: 'release',
    resolvedPlan: { steps: [{ command: { argv: ['x'], env: { TOKEN: 'hunter2' } } }] },
    requestedBy: 'ann',
    requestedAt: new Date(0),
    code: 300,
    direction: 'forward',
    outcome: undefined,
    token: 7,
    throughFreeze: false,
    runIds: ['r1'],
    archived: false,
  } as unknown as DeployRow;
  expect(toShape(Deploy, deployJson(row))).toEqual({
    id: 'v42',
    environment: 'production',
    plan: 'release',
    version: '4.2',
    requestedBy: 'ann',
    requestedAt: '1970-01-01T00:00:00.000Z',
    code: 300,
    direction: 'forward',
    runIds: ['r1'],
    throughFreeze: false,
  });
});
