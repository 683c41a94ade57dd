import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { checkShell } from './check-shell.ts';

const run = promisify(execFile);

/** As much as a page should have to load for a picture, bytes. */
const AT_MOST = 300_000;

/** What belongs to the machine of whoever recorded, or leads to it. */
const OWN = {
  'an absolute path': /(?<![\w.~/])\/(?:home|root|tmp|usr|var|opt|mnt|Users|private)\/[^\s<]*/,
  'an e-mail address or user@host': /[\w.+-]+@[\w-]+/,
  'an address with a port': /\b(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|\[[\da-f:]+\]):\d+/,
};

/** What is wrong with a recorded session, a line each. */
export async function checkSession(file: string, svg: string): Promise<string[]> {
  const shown = textsOf(svg);
  const own = Object.entries(OWN).flatMap(([what, pattern]) => {
    const found = shown.map((text) => pattern.exec(text)?.[0]).find((text) => text !== undefined);
    return found === undefined ? [] : [`${file}: shows ${what}, ${found}`];
  });
  const commands = commandsIn(shown);
  const wrong = await Promise.all(commands.map((text) => checkShell({ at: file, text })));
  return [
    ...(svg.length > AT_MOST ? [`${file}: has ${svg.length} bytes, more than ${AT_MOST}`] : []),
    ...(await checkXml(file, svg)),
    ...(/<title\b.*<\/title>\n<desc\b.*<\/desc>/.test(svg) ? [] : [`${file}: has no title and description`]),
    ...own,
    ...(commands.length > 0 ? [] : [`${file}: shows no command`]),
    ...wrong.flat(),
  ];
}

async function checkXml(file: string, text: string): Promise<string[]> {
  const child = run('python3', ['-c', 'import sys, xml.dom.minidom as dom; dom.parseString(sys.stdin.buffer.read())']);
  child.child.stdin!.end(text);
  try {
    await child;
    return [];
  } catch (error) {
    return [
      `${file}: is not XML: ${String((error as { stderr?: unknown }).stderr)
        .trim()
        .split('\n')
        .at(-1)}`,
    ];
  }
}

const textsOf = (svg: string) => [
  ...new Set([...svg.matchAll(/<text\b[^>]*>([^<]*)<\/text>/g)].map(([, text]) => unescaped(text!))),
];

const unescaped = (text: string) => text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');

/** What is typed behind a prompt, what `init` says to type, and what a message names between backticks. */
export function commandsIn(shown: readonly string[]): string[] {
  const typed = shown.filter((text) => text.startsWith('$ '));
  // Key by key, each command begins with the one before.
  const whole = typed.filter((text) => !typed.some((longer) => longer !== text && longer.startsWith(text)));
  const told = shown.filter((text) => text.startsWith('cd my-app && '));
  const named = shown.flatMap((text) => [...text.matchAll(/`(lockkeeper [^`]+)`/g)].map(([, command]) => command!));
  return [...whole.map((text) => text.slice(2)), ...told, ...named];
}
