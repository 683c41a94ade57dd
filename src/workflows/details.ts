import type { CoordinatorStatus, DeployStatus, JobStatus, QueuedDeploy } from '../protocol.ts';

/** A job for the Web UI's "current details", Markdown. */
export function describeJob(s: JobStatus): string {
  // What a workflow cannot know is whether its slice has been taken by a worker.
  const resuming = s.phase === 'running' && s.reason !== undefined;
  const lines = [
    resuming
      ? `**${s.job}** goes on from checkpoint ${s.seq}: at work, or held back until its gate opens and a worker is free (see Pending Activities).`
      : `**${s.job}** is **${s.phase}**, at checkpoint ${s.seq}.`,
  ];
  if (s.interruptions > 0)
    lines.push(
      `Stepped aside ${s.interruptions} ${s.interruptions === 1 ? 'time' : 'times'} and went on from the last checkpoint.`,
    );
  if (s.wentBack) lines.push(`**Not from its last checkpoint**: ${s.wentBack}.`);
  if (s.failures > 0) lines.push(`Failed ${s.failures} ${s.failures === 1 ? 'time' : 'times'} without progress.`);
  if (s.reason) lines.push(`${resuming ? 'Last interruption' : 'Reason'}: ${s.reason}.`);
  if (s.phase === 'quarantined')
    lines.push('A person decides: `lockkeeper job release <id> --continue | --restart | --from <seq> | --fail`.');
  return lines.join('\n\n');
}

/** A deploy run for the Web UI. */
export function describeDeploy(s: DeployStatus): string {
  const lines = [
    `Deploy **${s.deploy}** of **${s.environment}**: **${s.phase}** (code ${s.code}${s.direction === 'back' ? ', rolling back' : ''}).`,
  ];
  if (s.draining.length > 0) lines.push(`Still draining: ${s.draining.map((queue) => `\`${queue}\``).join(', ')}.`);
  if (s.held) lines.push(`**Held until ${new Date(s.held.until).toISOString()}**: ${s.held.reason}.`);
  if (s.steps.length > 0) {
    lines.push(
      s.steps
        .map((step) => `${step.n}. **${step.name}** (${step.type}): ${step.state}${step.note ? `, ${step.note}` : ''}`)
        .join('\n'),
    );
  }
  if (s.outcome) lines.push(`Outcome: **${s.outcome}**${s.reason ? `: ${s.reason}` : ''}.`);
  return lines.join('\n\n');
}

/** An environment's deploys for the Web UI. */
export function describeCoordinator(s: CoordinatorStatus): string {
  const { running, freeze } = s;
  const inOrder = s.queued.filter(({ waitsFor }) => waitsFor === undefined);
  return [
    running === undefined ? 'No deploy runs.' : `Deploy **${running}** runs.`,
    inOrder.length > 0 ? `Waiting, in this order: ${inOrder.map((q) => q.deploy).join(', ')}.` : 'None waits.',
    ...(freeze
      ? [
          `**Frozen** ${freeze.by === undefined ? 'by a window' : `by ${freeze.by}`}${freeze.until === undefined ? '' : ` until ${isoOf(freeze.until)}`}: ${freeze.reason}.`,
        ]
      : []),
    ...s.queued.flatMap(describeWait),
    ...s.refused.slice(-3).map((r) => `Refused ${r.deploy}: ${r.reason}.`),
  ].join('\n\n');
}

function describeWait({ deploy, waitsFor }: QueuedDeploy): string[] {
  if (waitsFor === undefined) return [];
  if (waitsFor.kind === 'schedule') return [`${deploy} waits until ${isoOf(waitsFor.at)}.`];
  const by = waitsFor.by.length > 0 ? `, by ${waitsFor.by.join(', ')}` : '';
  return [`${deploy} waits for approval: ${waitsFor.by.length} of ${waitsFor.needed}${by}.`];
}

const isoOf = (ms: number) => new Date(ms).toISOString();
