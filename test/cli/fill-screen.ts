/** Draws on the whole screen, then ends as it is told: `close`, `exit` or `throw`; with `stay`, only when it is killed. */
import { setTimeout as delay } from 'node:timers/promises';
import { FullScreen } from '../../src/cli/full-screen.ts';

const how = process.argv[2];
console.log('before');
const draw = () => screen.draw(['drawn', 'x'.repeat(500), ...Array.from({ length: 100 }, (_, n) => `line ${n}`)]);
const screen = new FullScreen(process.stdout, () => draw());
draw();
await delay(how === 'stay' ? 60_000 : 500);
if (how === 'exit') process.exit(3);
if (how === 'throw') {
  setTimeout(() => {
    throw new Error('a bug of ours');
  });
  await delay(60_000);
}
screen.close();
console.log('after');
