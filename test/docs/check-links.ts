import { Writable } from 'node:stream';
import { remark } from 'remark';
import remarkGfm from 'remark-gfm';
import { engine } from 'unified-engine';
import { PROJECT } from './pages.ts';

/** Relative links of pages, and the headings that they point at. @returns what is wrong, a line each */
export async function checkLinks(files: readonly string[]): Promise<string[]> {
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const found = await new Promise<readonly { file: string; line: number | undefined; reason: string }[]>(
    (resolve, reject) =>
      engine(
        {
          processor: remark().use(remarkGfm),
          plugins: { 'remark-validate-links': { repository: false } },
          files: [...files],
          cwd: PROJECT,
          output: false,
          streamOut: nowhere(),
          streamError: nowhere(),
        },
        (error, _code, context) => {
          if (error) return reject(error);
          const messages = (context?.files ?? []).flatMap((file) =>
            file.messages.map((message) => ({ file: file.path, line: message.line, reason: message.reason })),
          );
          resolve(messages);
        },
      ),
  );
  return found.map(({ file, line, reason }) => `${file}:${line ?? 0}: ${reason}`);
}
