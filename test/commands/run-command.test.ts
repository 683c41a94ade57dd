import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { environmentOf, listProcesses } from '../../src/commands/process-table.ts';
import { runGuarded } from '../../src/commands/run-command.ts';
import { Bench } from './bench.ts';

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

/** Collects what a run writes. */
function collector() {
  const chunks: Buffer[] = [];
  return { add: (chunk: Buffer) => void chunks.push(chunk), text: () => Buffer.concat(chunks).toString() };
}

describe('how a command ends', () => {
  it('its exit code is passed on, and is not an error', async () => {
    expect(await bench.run('exit 0')).toEqual({ code: 0, signal: null, leftovers: 0 });
    expect(await bench.run('exit 42')).toEqual({ code: 42, signal: null, leftovers: 0 });
  });

  it('the signal that ended it is passed on', async () => {
    expect(await bench.run('kill -USR1 $$')).toEqual({ code: null, signal: 'SIGUSR1', leftovers: 0 });
  });

  it('a signal it sends to its whole group leaves the guard alone', async () => {
    const end = await bench.run(`trap 'exit 7' TERM; kill -TERM 0; exit 1`);
    expect(end).toEqual({ code: 7, signal: null, leftovers: 0 });
  });

  it('a program that does not exist is said to be missing', async () => {
    const run = runGuarded({ argv: ['lockkeeper-no-such-program'], killAfterMs: 1_000 });
    await expect(run).rejects.toMatchObject({
      code: 'STEP_FAILED',
      message: expect.stringContaining('ENOENT') as string,
    });
  });

  it('a file that is not executable is said to be so', async () => {
    writeFileSync(bench.path('plain'), 'text');
    await expect(runGuarded({ argv: [bench.path('plain')], killAfterMs: 1_000 })).rejects.toThrow(/EACCES/);
  });

  it('a missing working directory is not blamed on the program', async () => {
    await expect(bench.run('true', { cwd: bench.path('nowhere') })).rejects.toThrow(
      /working directory .*nowhere does not exist/,
    );
  });
});

describe('what a command gets', () => {
  it('its arguments as they are, its folder, and the environment with the additions', async () => {
    const out = collector();
    const program =
      'process.stdout.write(JSON.stringify([process.cwd(), process.argv.slice(1), process.env.ADDED, process.env.PATH]))';
    const argv = [process.execPath, '-e', program, '$HOME; ls', ''] as const;
    await runGuarded({ argv, cwd: bench.folder, env: { ADDED: 'yes' }, killAfterMs: 1_000, stdout: out.add });
    expect(JSON.parse(out.text())).toEqual([realpathSync(bench.folder), ['$HOME; ls', ''], 'yes', process.env.PATH]);
  });

  it('real pipes, which a script can open again by name', async () => {
    const out = collector();
    const err = collector();
    const end = await bench.run('echo one > /dev/stdout && echo two | tee /dev/stderr > /dev/null', {
      stdout: out.add,
      stderr: err.add,
    });
    expect([end.code, out.text(), err.text()]).toEqual([0, 'one\n', 'two\n']);
  });

  it.runIf(process.platform === 'linux')('none of the descriptors between guard and parent', async () => {
    const out = collector();
    await bench.run('for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink $fd)"; done', { stdout: out.add });
    expect(out.text()).not.toContain('socket:');
  });

  it.runIf(process.platform === 'linux')(
    'its secrets, which neither the process list nor the guard shows',
    async () => {
      const secret = 'correct-horse-battery';
      const run = bench.run(': > $BENCH/running; until [ -e $BENCH/go ]; do sleep 0.02; done', {
        env: { TOKEN: secret },
      });
      await bench.made('running');
      const lines = listProcesses().map(
        (one) => existsSync(`/proc/${one.pid}/cmdline`) && readFileSync(`/proc/${one.pid}/cmdline`, 'utf8'),
      );
      expect(lines.filter((line) => line && line.includes(secret))).toEqual([]);
      expect(environmentOf(bench.records[0]?.guardPid ?? 0)?.join('')).toBe('');
      writeFileSync(bench.path('go'), '');
      expect((await run).code).toBe(0);
    },
  );
});

describe('record first, then act', () => {
  it('the program begins after onStarted has resolved', async () => {
    let begunBefore: boolean | undefined;
    await bench.run('touch $BENCH/effect', {
      onStarted: async () => {
        // Long enough for a guard that did not wait to have begun.
        await delay(500);
        begunBefore = bench.has('effect');
      },
    });
    expect([begunBefore, bench.has('effect')]).toEqual([false, true]);
  });

  it('nothing is run when onStarted throws', async () => {
    const noLedger = new Error('no ledger');
    const run = bench.run('touch $BENCH/effect', { onStarted: () => Promise.reject(noLedger) });
    await expect(run).rejects.toBe(noLedger);
    expect(bench.has('effect')).toBe(false);
  });

  it('nothing is run when the signal had fired before', async () => {
    await expect(bench.run('touch $BENCH/effect', { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
    expect(bench.has('effect')).toBe(false);
  });
});

describe('output', () => {
  it('50 MB on each of stdout and stderr come whole and in order', async () => {
    const bytes = 50_000_000;
    /** Counts the numbers 0, 1, 2 … in lines of nine digits and a newline. */
    const counting = () => {
      let expected = 0;
      let rest = '';
      return {
        add: (chunk: Buffer) => {
          const lines = (rest + chunk.toString('latin1')).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines)
            if (Number(line) !== expected++) throw new Error(`found ${line}, expected ${expected - 1}`);
        },
        count: () => expected,
      };
    };
    const [out, err] = [counting(), counting()];
    const lines = bytes / 10;
    const text = `seq -f %09.0f 0 ${lines - 1} >&2 & seq -f %09.0f 0 ${lines - 1}; wait`;
    const end = await bench.run(text, { stdout: out.add, stderr: err.add });
    expect([end.code, out.count(), err.count()]).toEqual([0, lines, lines]);
  }, 60_000);

  it('of a background writer (exec > >(tee log)) the last lines are not lost', async () => {
    const out = collector();
    const end = await bench.run('exec > >(sleep 0.2; cat); echo last words', { stdout: out.add });
    expect([end.leftovers, out.text()]).toEqual([0, 'last words\n']);
  });

  it('a callback that throws ends the command, and its error is what comes out', async () => {
    const full = new Error('disk full');
    const stdout = () => {
      throw full;
    };
    await expect(bench.run('echo x; sleep 60', { stdout })).rejects.toBe(full);
    expect(bench.running()).toEqual([]);
  });
});
