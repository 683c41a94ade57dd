/** What a command with a status line does, for a terminal: lines that stay, a line that moves, a command in between. */
import { setTimeout as delay } from 'node:timers/promises';
import { statusLine } from '../../src/cli/status-line.ts';
import { passThrough, print } from '../../src/cli/terminal.ts';

const line = statusLine();
line.tell('first');
line.show(() => `going on with something that takes ${'very '.repeat(30)}long`);
await delay(300);
line.tell('second');
await delay(300);
line.hide();
passThrough(process.stdout, Buffer.from('half a line'));
await delay(300);
line.show(() => 'nearly done');
line.tell('third');
await delay(300);
line.hide();
print('result');
