import { fileURLToPath } from 'node:url';
import prettier from 'prettier';
import { configJsonSchema } from '../../src/config/schema/json-schema.ts';
import { cliPage } from './cli-page.ts';
import { configurationPage } from './configuration-page.ts';
import { errorsPage } from './errors-page.ts';
import { exampleYaml } from './example-yaml.ts';
import { jsonPage } from './json-page.ts';
import { optionTree } from './option-tree.ts';

const ROOT = new URL('../../', import.meta.url);

export interface Page {
  /** From the project's folder. */
  readonly path: string;
  readonly file: string;
  readonly text: string;
}

/** Everything that is written from the sources, as it is committed. */
export function pages(): Promise<Page[]> {
  const options = optionTree();
  const made: Readonly<Record<string, string>> = {
    'docs/configuration.md': configurationPage(options),
    'docs/cli.md': cliPage(),
    'docs/errors.md': errorsPage(),
    'docs/json.md': jsonPage(),
    'src/config/example.yaml': exampleYaml(options),
    'lockkeeper.schema.json': JSON.stringify(configJsonSchema()),
  };
  return Promise.all(
    Object.entries(made).map(async ([path, text]) => {
      const file = fileURLToPath(new URL(path, ROOT));
      const style = await prettier.resolveConfig(file);
      return { path, file, text: await prettier.format(text, { ...style, filepath: file }) };
    }),
  );
}
