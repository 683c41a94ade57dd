import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Bench, eventually, isAlive } from './bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

describe('what a command leaves running when it ends', () => {
  it('background children are ended and counted, in groups of their own too', async () => {
    const end = await bench.run('sleep 100 & timeout 100 sleep 50 & exit 3');
    expect(end).toEqual({ code: 3, signal: null, leftovers: 3 });
    expect(bench.running()).toEqual([]);
  });

  it('a grandchild that ignores SIGTERM gets SIGKILL', async () => {
    const end = await bench.run(
      `(trap '' TERM; : > $BENCH/deaf; while :; do sleep 1; done) & until [ -e $BENCH/deaf ]; do :; done`,
      {
        killAfterMs: 300,
      },
    );
    expect(end.code).toBe(0);
    expect(end.leftovers).toBeGreaterThanOrEqual(1);
    expect(bench.running()).toEqual([]);
  });

  it('a daemon that it detached with setsid is left alone, and does not hold up the result', async () => {
    await bench.run(
      'setsid bash -c "echo \\$\\$ > $BENCH/daemon; exec sleep 100" & until [ -s $BENCH/daemon ]; do :; done',
      {
        stdout: () => undefined,
      },
    );
    const daemon = Number(await bench.made('daemon'));
    expect(isAlive(daemon)).toBe(true);
    process.kill(daemon, 'SIGKILL');
  });
});

describe('abort', () => {
  it('SIGTERM reaches the whole group, and the promise rejects with the reason when all are gone', async () => {
    const abort = new AbortController();
    const run = bench.run(`trap 'echo cleaned > $BENCH/cleaned; exit' TERM; sleep 100 & : > $BENCH/running; wait`, {
      signal: abort.signal,
    });
    const rejected = expect(run).rejects.toThrow('lease lost');
    await bench.made('running');
    abort.abort(new Error('lease lost'));
    await rejected;
    expect([bench.running(), bench.has('cleaned')]).toEqual([[], true]);
  });

  it('a command that ignores SIGTERM gets SIGKILL after killAfterMs, not before', async () => {
    const abort = new AbortController();
    const run = bench.run(`trap '' TERM; : > $BENCH/running; while :; do sleep 0.1; done`, {
      signal: abort.signal,
      killAfterMs: 1_000,
    });
    const rejected = expect(run).rejects.toThrow('stop');
    await bench.made('running');
    const before = performance.now();
    abort.abort(new Error('stop'));
    await rejected;
    expect(performance.now() - before).toBeGreaterThan(990);
    expect(performance.now() - before).toBeLessThan(4_000);
    expect(bench.running()).toEqual([]);
  });

  it('what the command detached with setsid is ended too', async () => {
    const abort = new AbortController();
    const run = bench.run('setsid sleep 100 & setsid --fork sleep 100; : > $BENCH/running; wait', {
      signal: abort.signal,
    });
    const rejected = expect(run).rejects.toThrow('stop');
    await bench.made('running');
    abort.abort(new Error('stop'));
    await rejected;
    expect(bench.running()).toEqual([]);
  });

  it('so is what left the session, cleared its environment and survives its parent', async () => {
    const abort = new AbortController();
    const stray = `trap "" TERM; echo $$ > ${bench.path('stray')}; while :; do sleep 0.1; done`;
    const run = bench.run(`setsid env -i bash -c '${stray}' & wait`, { signal: abort.signal, killAfterMs: 300 });
    const rejected = expect(run).rejects.toThrow('stop');
    await eventually(() => bench.size('stray') > 0, 'the stray process');
    bench.strays.push(Number(await bench.made('stray')));
    abort.abort(new Error('stop'));
    await rejected;
    expect(bench.strays.filter(isAlive)).toEqual([]);
  });

  it('while onStarted is still writing: nothing is run', async () => {
    const abort = new AbortController();
    const never = new Promise<void>(() => undefined);
    const run = bench.run('touch $BENCH/effect', { signal: abort.signal, onStarted: () => never });
    const rejected = expect(run).rejects.toThrow('stop');
    await eventually(() => bench.records.length === 1, 'the guard');
    abort.abort(new Error('stop'));
    await rejected;
    expect(bench.has('effect')).toBe(false);
  });
});

describe('the process that is responsible is gone', () => {
  it('SIGKILL of the parent: its whole command ends', async () => {
    const { holder, record } = await bench.hold('sleep 100 & setsid sleep 100 & : > $BENCH/running; wait', 5_000);
    expect(bench.running()).toHaveLength(3);
    holder.kill('SIGKILL');
    await eventually(() => bench.running().length === 0 && !isAlive(record.guardPid), 'the end of the command', 3_000);
  });

  it('SIGKILL of the parent of a command that ignores SIGTERM: SIGKILL after killAfterMs', async () => {
    const { holder, record } = await bench.hold(`trap '' TERM; : > $BENCH/running; while :; do sleep 0.1; done`, 500);
    holder.kill('SIGKILL');
    await eventually(() => bench.running().length === 0 && !isAlive(record.guardPid), 'the end of the command', 3_000);
  });

  it('SIGSTOP of the parent for longer than it may be silent: its command ends without it', async () => {
    const { holder, record } = await bench.hold('sleep 100 & : > $BENCH/running; wait', 5_000, 600);
    holder.kill('SIGSTOP');
    await eventually(() => bench.running().length === 0 && !isAlive(record.guardPid), 'the end of the command', 5_000);
    holder.kill('SIGKILL');
  });

  it('a parent that lives is never silent, however long its command takes', async () => {
    const { holder, record } = await bench.hold(
      'sleep 2; : > $BENCH/ended; sleep 100 & : > $BENCH/running; wait',
      5_000,
      600,
    );
    expect([bench.has('ended'), isAlive(record.guardPid)]).toEqual([true, true]);
    holder.kill('SIGKILL');
    await eventually(() => bench.running().length === 0, 'the end of the command', 3_000);
  });

  it('Ctrl-C in its terminal reaches the parent alone: what the command gets is the decision of the parent', async () => {
    const text = `trap 'echo > $BENCH/interrupted' INT; trap 'echo > $BENCH/terminated; exit' TERM; : > $BENCH/running; while :; do sleep 0.1; done`;
    const { holder } = await bench.hold(text, 5_000);
    // The terminal signals the whole group in its foreground.
    process.kill(-holder.pid!, 'SIGINT');
    await bench.made('terminated');
    expect(bench.has('interrupted')).toBe(false);
  });
});
