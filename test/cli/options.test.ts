import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { choiceOf } from '../../src/cli/job/release.ts';
import { parseCount, parseDuration, parseParameter, parsePort } from '../../src/cli/options.ts';
import { createProgram } from '../../src/cli/program.ts';
import { requestedBy } from '../../src/cli/who.ts';
import { buildIdOf } from '../../src/cli/worker.ts';

test('parameters are collected; a value may contain `=`', () => {
  expect(parseParameter('b=c=d', parseParameter('a=1'))).toEqual({ a: '1', b: 'c=d' });
  expect(parseParameter('empty=')).toEqual({ empty: '' });
});

test.each(['novalue', '=x'])('%j is no parameter', (text) => {
  expect(() => parseParameter(text)).toThrow(InvalidArgumentError);
});

test('a parameter given twice is refused', () => {
  expect(() => parseParameter('a=2', { a: '1' })).toThrow('given twice');
});

test('durations, ports and counts', () => {
  expect(parseDuration('30m')).toBe(1_800_000);
  expect(() => parseDuration('soon')).toThrow(InvalidArgumentError);
  expect(parsePort('0')).toBe(0);
  for (const text of ['70000', '-1', 'http', '']) expect(() => parsePort(text)).toThrow(InvalidArgumentError);
  expect(parseCount('20')).toBe(20);
  expect(() => parseCount('1.5')).toThrow(InvalidArgumentError);
});

test('who asks: said, then LOCKKEEPER_USER, then the CI, then the user of the machine', () => {
  const env = { LOCKKEEPER_USER: 'ann', GITHUB_ACTOR: 'bot', GITLAB_USER_LOGIN: 'fox' };
  expect(requestedBy('eve', env)).toBe('eve');
  expect(requestedBy(undefined, env)).toBe('ann');
  expect(requestedBy(undefined, { GITHUB_ACTOR: 'bot', GITLAB_USER_LOGIN: 'fox' })).toBe('bot');
  expect(requestedBy(undefined, { GITLAB_USER_LOGIN: 'fox' })).toBe('fox');
  expect(requestedBy(undefined, {})).toMatch(/^[^@]+ on .+$/);
});

test('the build id: said, then the environment, then the config, then dev', () => {
  const worker = { shutdownGraceMs: 1, shutdownForceMs: 2 };
  const config = { worker: { ...worker, buildId: 'from-config' } };
  expect(buildIdOf({ buildId: 'said' }, config, { TEMPORAL_WORKER_BUILD_ID: 'env' })).toBe('said');
  expect(buildIdOf({}, config, { TEMPORAL_WORKER_BUILD_ID: 'env' })).toBe('env');
  expect(buildIdOf({}, config, {})).toBe('from-config');
  expect(buildIdOf({}, { worker }, {})).toBe('dev');
});

test('a release needs exactly one choice', () => {
  expect(choiceOf({ continue: true })).toEqual({ action: 'continue' });
  expect(choiceOf({ restart: true })).toEqual({ action: 'restart' });
  expect(choiceOf({ from: 0 })).toEqual({ action: 'from', seq: 0 });
  expect(choiceOf({ fail: true })).toEqual({ action: 'fail' });
  expect(() => choiceOf({})).toThrow('no choice');
  expect(() => choiceOf({ fail: true, from: 3 })).toThrow('more than one');
});

test('every command has a description, and an example in its help', () => {
  const commands = [createProgram()];
  for (const command of commands) {
    commands.push(...command.commands);
    expect(command.description(), command.name()).not.toBe('');
    if (command.commands.length > 0) continue;
    let help = '';
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    expect(help, command.name()).toContain('Example:\n  $ ');
  }
});

/** The words of an example, without the shell around it and what it says before the program's name. */
function wordsOf(help: string): string[] {
  const [, example = ''] = /Example:\n {2}\$ .*?lockkeeper ([^\n]*)/.exec(help) ?? [];
  const words = example.replace(/ > .*$|\)$/, '').match(/'[^']*'|"[^"]*"|\S+/g) ?? [];
  return words.map((word) => word.replace(/^(['"])(.*)\1$/, '$2').replaceAll(/\$\w+/g, '7'));
}

test('the example of every command is understood by the command itself', async () => {
  const paths: string[][] = [];
  const collect = (command: Command, path: string[]) => {
    if (command.commands.length === 0) paths.push(path);
    command.commands.forEach((sub) => collect(sub, [...path, sub.name()]));
  };
  collect(createProgram(), []);
  for (const path of paths) {
    const program = createProgram();
    const command = path.reduce((at, name) => at.commands.find((sub) => sub.name() === name)!, program);
    let help = '';
    let ran = false;
    command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
    command.action(() => void (ran = true));
    await program.parseAsync(wordsOf(help), { from: 'user' });
    expect(ran, path.join(' ')).toBe(true);
  }
});
