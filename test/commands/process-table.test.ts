import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fromPs, listProcesses, processOf } from '../../src/commands/process-table.ts';

describe('the process table', () => {
  it('ps and /proc tell the same of a process', () => {
    const { pid, ppid, pgid, zombie } = processOf(process.pid)!;
    expect(fromPs().find((one) => one.pid === process.pid)).toMatchObject({ pid, ppid, pgid, zombie, sid: pgid });
    expect(fromPs(['-p', String(process.pid)])[0]?.startedAt).toMatch(/^\w{3} \w{3} \d+ \d\d:\d\d:\d\d \d{4}$/);
  });

  it('a pid that nobody has is nobody', () => {
    expect(processOf(2 ** 30)).toBeUndefined();
    expect(fromPs(['-p', String(2 ** 22 + 1)])).toEqual([]);
  });

  it.runIf(process.platform === 'linux')(
    'a program name with spaces and brackets does not shift the fields',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'lockkeeper-test-'));
      const program = join(folder, ') Z 1 (');
      copyFileSync('/bin/sleep', program);
      const child = spawn(program, ['100']);
      await once(child, 'spawn');
      expect(processOf(child.pid!)).toMatchObject({ pid: child.pid, ppid: process.pid, zombie: false });
      child.kill('SIGKILL');
      await once(child, 'exit');
      expect(listProcesses().some((one) => one.pid === child.pid)).toBe(false);
      rmSync(folder, { recursive: true });
    },
  );
});
