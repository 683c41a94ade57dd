import { relative } from 'node:path';
import { shellWord } from '../../shell.ts';
import type { Paint } from '../terminal.ts';
import type { Change, Plan } from './changes.ts';
import type { Project } from './project.ts';

/** One thing to type in a terminal, and what it is for. */
export interface NextStep {
  readonly command: string;
  readonly why: string;
}

/** The way from the written project to a job that runs on through a deploy, each line for a terminal of its own. */
export function nextSteps({ directory, packageManager }: Project, { scripts }: Plan, cwd = process.cwd()): NextStep[] {
  const { install, run, exec } = packageManager;
  const folder = relative(cwd, directory);
  const from = folder === '' ? '' : `cd ${shellWord(folder)} && `;
  const there = `${from}. .lockkeeper/env && `;
  return [
    { command: `${from}${install} && ${run} ${scripts.dev}`, why: 'Temporal and Postgres; leave it running' },
    { command: `${there}${run} ${scripts.worker}`, why: 'runs your jobs' },
    { command: `${there}${run} ${scripts.deployWorker}`, why: 'drives deploys' },
    { command: `${there}${exec} lockkeeper job start passBoats --wait`, why: 'a minute of work' },
    {
      command: `${there}${exec} lockkeeper deploy run --id first -- sleep 5`,
      why: 'a deploy in the middle of it: the job steps aside, and goes on',
    },
  ];
}

const INTENDED: Record<Change['action'], string> = {
  created: 'would create',
  changed: 'would change',
  replaced: 'would replace',
  kept: 'would keep',
};

/** What was done, or with `dryRun` would be, and then what to type. */
export function report(project: Project, plan: Plan, dryRun: boolean, paint: Paint): string {
  const labels = plan.changes.map(({ action }) => (dryRun ? INTENDED[action] : action));
  const width = Math.max(...labels.map((label) => label.length));
  const widest = Math.max(...plan.changes.map(({ path }) => path.length));
  const files = plan.changes.map(({ path, action, note }, i) => {
    const colour = action === 'kept' ? paint.yellow : paint.green;
    const label = colour((labels[i] ?? '').padEnd(width));
    return note === undefined ? `${label}  ${path}` : `${label}  ${path.padEnd(widest)}  ${paint.dim(note)}`;
  });
  if (dryRun) return files.join('\n');
  const steps = nextSteps(project, plan).flatMap(({ command, why }, i) => [
    `${i + 1}  ${paint.bold(command)}`,
    `   ${paint.dim(`# ${why}`)}`,
  ]);
  return [...files, '', 'Next, each in a terminal of its own:', '', ...steps].join('\n');
}
