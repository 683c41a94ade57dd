import { Command, Option } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { exits, jsonOption, withExample } from '../options.ts';
import type { JsonOptions } from '../options.ts';
import { paintFor, print, printJson } from '../terminal.ts';
import { CI_SYSTEMS, planChanges } from './changes.ts';
import type { CiSystem } from './changes.ts';
import { lookAt } from './project.ts';
import { nextSteps, report } from './report.ts';
import { writeAll } from './write-all.ts';

export interface InitOptions extends JsonOptions {
  readonly javascript?: boolean;
  readonly ci: CiSystem;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** Makes a project one whose jobs survive deploys: config, an example job, CI, containers. Keeps what is there. */
export async function init(directory: string, options: InitOptions): Promise<number> {
  const { dryRun = false } = options;
  const project = lookAt(directory, options.javascript);
  const plan = planChanges(project, options);
  if (!dryRun) await writeAll(project.directory, plan.changes);
  if (options.json) {
    printJson({
      directory: project.directory,
      language: project.language,
      packageManager: project.packageManager.name,
      dryRun,
      files: plan.changes.map(({ path, action, note }) => ({ path, action, note })),
      next: nextSteps(project, plan),
    });
  } else {
    print(report(project, plan, dryRun, paintFor(process.stdout)));
  }
  return EXIT.ok;
}

export function initCommand(): Command {
  const command = new Command('init')
    .description('make a project ready: config, an example job, containers, CI; keeps what is there')
    .argument('[directory]', 'the project; made when it is not there', '.')
    .option('--javascript', 'write the example in JavaScript (default: as the project is)')
    .addOption(new Option('--ci <system>', 'whose deploy job to write').choices(CI_SYSTEMS).default('github'))
    .option('--force', 'replace files that are there')
    .option('--dry-run', 'show what would be done, and do nothing')
    .addOption(jsonOption())
    .action(exits(init));
  return withExample(command, 'lockkeeper init my-app --ci gitlab');
}
