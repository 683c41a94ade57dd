/**
 * `git upload-pack` behind a line that carries 128 KiB a second: what a repository far away is like, on one machine. Git
 * calls it with the path of the repository.
 */
import { spawn } from 'node:child_process';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

const BYTES = 8 * 1024;
/** For so many bytes, milliseconds. */
const TAKES = 62.5;

async function* slowly(chunks: AsyncIterable<Buffer>) {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += BYTES) {
      const part = chunk.subarray(at, at + BYTES);
      yield part;
      await delay((TAKES * part.length) / BYTES);
    }
  }
}

const pack = spawn('git', ['upload-pack', ...process.argv.slice(2)], { stdio: ['inherit', 'pipe', 'inherit'] });
// Whoever asked is gone, or has enough.
pipeline(pack.stdout, slowly, process.stdout).catch(() => pack.kill());
pack.on('exit', (code) => (process.exitCode = code ?? 1));
