import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { recordOf } from '../../src/commands/guarded-process.ts';
import { endGuarded, type GuardedProcess } from '../../src/commands/run-command.ts';
import { Bench, eventually, isAlive } from './bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** The record with the n-th part of its start time replaced: 0 boot, 1 pid namespace, 2 ticks. */
function withStart(record: GuardedProcess, part: number, value: string): GuardedProcess {
  return { ...record, startTime: record.startTime.split('/').with(part, value).join('/') };
}

describe('from the record alone', () => {
  it('a command that has ended is gone', async () => {
    await bench.run('true');
    expect(await endGuarded(bench.records[0]!, 1_000)).toBe('gone');
  });

  it('a command of a frozen parent is ended, and its guard with it', async () => {
    const { holder, record } = await bench.hold('sleep 100 & : > $BENCH/running; wait', 5_000);
    holder.kill('SIGSTOP');
    expect(await endGuarded(record, 5_000)).toBe('ended');
    expect([bench.running(), isAlive(record.guardPid)]).toEqual([[], false]);
    expect(await endGuarded(record, 5_000)).toBe('gone');
  });

  it('a guard that still waits for its command will never run it', async () => {
    const run = bench.run('touch $BENCH/effect', {
      onStarted: async (record) => expect(await endGuarded(record, 5_000)).toBe('ended'),
    });
    await expect(run).rejects.toThrow(/the guard of bash failed: it ended by SIGKILL/);
    expect(bench.has('effect')).toBe(false);
  });

  it('the guard was killed and its parent is frozen: the orphans are found and ended', async () => {
    const text = `trap '' TERM; env -i sleep 100 & setsid sleep 100 & : > $BENCH/running; while :; do sleep 0.1; done`;
    const { holder, record } = await bench.hold(text, 5_000);
    holder.kill('SIGSTOP');
    process.kill(record.guardPid, 'SIGKILL');
    expect(bench.running().length).toBeGreaterThanOrEqual(2);
    expect(await endGuarded(record, 500)).toBe('ended');
    expect(bench.running()).toEqual([]);
  });

  it('the guard and its parent were killed: the orphans are found and ended', async () => {
    const { holder, record } = await bench.hold('echo $$ > $BENCH/orphan; : > $BENCH/running; sleep 100', 5_000);
    holder.kill('SIGSTOP');
    process.kill(record.guardPid, 'SIGKILL');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await eventually(() => !isAlive(record.guardPid), 'the end of the guard');
    expect(isAlive(Number(await bench.made('orphan')))).toBe(true);
    expect(await endGuarded(record, 500)).toBe('ended');
    expect(bench.running()).toEqual([]);
  });
});

describe('the guard is killed under a living parent', () => {
  it('the command is ended and the error says what is not known', async () => {
    const run = bench.run(': > $BENCH/running; sleep 100');
    const rejected = expect(run).rejects.toThrow(
      // That it runs may be seen here before its guard has come to tell of it.
      /the guard of bash failed.*SIGKILL.*(whether its work was done is not known|had not reported its start)/,
    );
    await bench.made('running');
    process.kill(bench.records[0]!.guardPid, 'SIGKILL');
    await rejected;
    expect(bench.running()).toEqual([]);
  });
});

describe('nothing of another program is touched', () => {
  it('the pid of the guard is another process now', async () => {
    const other = bench.spawn('sleep', ['100'], true);
    const record = recordOf(other.pid!);
    expect(await endGuarded(withStart(record, 2, '1'), 200)).toBe('gone');
    expect(isAlive(other.pid!)).toBe(true);
  });

  it('a session with the number of the guard that nobody can tell from the command: left alone, and said', async () => {
    const leader = bench.spawn(
      'bash',
      ['-c', 'sleep 100 & echo $! > $BENCH/other; until [ -e $BENCH/end ]; do sleep 0.02; done'],
      true,
    );
    const record = recordOf(leader.pid!);
    await eventually(() => bench.size('other') > 0, 'the other process');
    const other = Number(await bench.made('other'));
    leader.kill('SIGKILL');
    await once(leader, 'exit');
    await expect(endGuarded(record, 100)).rejects.toThrow(`processes ${other} are in a session with the number`);
    expect(isAlive(other)).toBe(true);
    process.kill(other, 'SIGKILL');
  }, 15_000);

  it('a record of another host or container proves nothing', async () => {
    const record = recordOf(process.pid);
    expect(await endGuarded({ ...record, host: 'elsewhere/1' }, 200)).toBe('other-host');
    expect(await endGuarded(withStart(record, 1, '1'), 200)).toBe('other-host');
  });

  it('a machine started again has none of the processes of before, if its machine id says that it is the same', async () => {
    const record = recordOf(process.pid);
    const known = !record.host.endsWith('/-');
    expect(await endGuarded(withStart(record, 0, 'an-earlier-boot'), 200)).toBe(known ? 'gone' : 'other-host');
  });

  it('a damaged record is refused', async () => {
    const record = recordOf(process.pid);
    await expect(endGuarded({ ...record, guardPid: 1, pgid: 1 }, 200)).rejects.toThrow(/damaged/);
    await expect(endGuarded({ ...record, pgid: record.pgid + 1 }, 200)).rejects.toThrow(/damaged/);
  });
});
