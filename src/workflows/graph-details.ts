import type { GraphStatus, NodeState, NodeStatus } from '../protocol.ts';

/** Lines of a graph's details: the server takes about 20,000 characters. */
const LISTED = 60;
/** Characters of a name and of a reason in such a line. */
const LONGEST = 120;

/** What people look for first stands first. */
const ORDER: readonly NodeState[] = ['quarantined', 'failed', 'cancelled', 'running', 'skipped', 'pending', 'done'];
const MARKS: Readonly<Record<NodeState, string>> = {
  pending: '·',
  running: '▶',
  quarantined: '⏸',
  done: '✓',
  failed: '✗',
  cancelled: '⊘',
  skipped: '–',
};

/** A graph for the Web UI's "current details", Markdown. */
export function describeGraph({ graph, phase, nodes }: GraphStatus, graphId: string): string {
  const counts = ORDER.map((state) => [state, nodes.filter((node) => node.state === state).length] as const)
    .filter(([, n]) => n > 0)
    .map(([state, n]) => `${n} ${state}`);
  const listed = nodes.length <= LISTED ? nodes : byInterest(nodes).slice(0, LISTED);
  const quarantined = nodes.find(({ state }) => state === 'quarantined');
  return [
    `Graph **${graph}** is **${phase}**: ${counts.join(', ')} of ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}.`,
    ...(quarantined
      ? [
          `A person decides: \`lockkeeper job release '${graphId}/${quarantined.name}' --continue | --restart | --from <seq> | --fail\`.`,
        ]
      : []),
    listed.map(line).join('\n'),
    ...(listed.length < nodes.length ? [`… and ${nodes.length - listed.length} more.`] : []),
  ].join('\n\n');
}

const byInterest = (nodes: readonly NodeStatus[]) =>
  nodes.toSorted((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state));

const short = (text: string) => (text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`);
/** As code, so that nothing in a name is taken for Markdown. */
const code = (text: string) => `\`${short(text).replaceAll('`', "'")}\``;

function line({ name, job, state, reason }: NodeStatus): string {
  const why = reason === undefined || state === 'running' ? '' : `: ${short(reason).replace(/\s+/g, ' ')}`;
  return `- ${MARKS[state]} ${code(name)} (${job}): **${state}**${why}`;
}
