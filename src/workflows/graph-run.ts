import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { GRAPH_MAX_PARALLEL } from '../defaults.ts';
import { GRAPH_STATUS_QUERY, NODE_PHASE_SIGNAL, nodesIn } from '../protocol.ts';
import type {
  GraphPhase,
  GraphResult,
  GraphStatus,
  GraphWorkflowInput,
  KnownNode,
  NodePhaseSignal,
  NodeSpec,
} from '../protocol.ts';
import { describeGraph } from './graph-details.ts';
import { askForEnds, cancelNode, runNode } from './graph-nodes.ts';
import { isOver, phaseOf, shareDone, startable, stopped } from './graph-progress.ts';
import type { jobGraph } from './job-graph.ts';

/** Between two looks at nodes that an earlier run has begun, and of whose end nobody tells this one, milliseconds. */
const LOOK_FIRST = 1_000;
const LOOK_AT_MOST = 30_000;

/** A graph at work: begins nodes, hears of their ends, and knows what has become of each. */
export class GraphRun {
  readonly #input: GraphWorkflowInput;
  readonly #id = workflowInfo().workflowId;
  readonly #progress: Map<string, KnownNode>;
  /** Nodes at work that an earlier run has begun, or one of the same id. */
  readonly #adopted = new Set<string>();
  /** Nodes of which the server has not said yet that it has them. */
  #starting = 0;
  #cancelled = false;
  #changed = false;
  #shown: { readonly phase: GraphPhase; readonly done: number } = { phase: 'running', done: 0 };

  constructor(input: GraphWorkflowInput) {
    this.#input = input;
    const known = new Map((input.known ?? []).map((node) => [node.name, node]));
    this.#progress = new Map(
      input.nodes.map(({ name }) => [name, known.get(name) ?? { name, state: 'pending' as const }]),
    );
    for (const { name, state } of this.#progress.values())
      if (state === 'running' || state === 'quarantined') this.#adopted.add(name);
    setHandler(defineQuery<GraphStatus>(GRAPH_STATUS_QUERY), () => this.status());
    setHandler(defineSignal<[NodePhaseSignal]>(NODE_PHASE_SIGNAL), (signal) => this.#hear(signal));
  }

  get progress(): ReadonlyMap<string, KnownNode> {
    return this.#progress;
  }

  status(): GraphStatus {
    return {
      graph: this.#input.graph,
      phase: phaseOf(this.#progress, this.#cancelled),
      nodes: this.#input.nodes.map(({ name, job, needs }) => ({ job, needs, ...this.#progress.get(name)! })),
    };
  }

  result(): GraphResult {
    const { output } = this.#input;
    return output === undefined ? {} : { output, results: this.#resultsIn(output) };
  }

  /** Until nothing more can begin. `long`: it is time for a new history. */
  async run(): Promise<'done' | 'failed' | 'cancelled' | 'long'> {
    // Cancelled nodes are waited for: they undo what must not stay.
    CancellationScope.current().cancelRequested.catch(() => this.#cancel());
    return CancellationScope.nonCancellable(() => this.#loop());
  }

  async #loop(): Promise<'done' | 'failed' | 'cancelled' | 'long'> {
    void this.#lookAfterAdopted();
    for (;;) {
      // What is being started at that moment would be lost from sight.
      const long = workflowInfo().continueAsNewSuggested && !this.#cancelled;
      this.#skip();
      if (!long) this.#begin();
      this.#tell();
      if (isOver(this.#progress)) break;
      if (long && this.#starting === 0) return 'long';
      await condition(() => this.#changed);
      this.#changed = false;
    }
    const phase = phaseOf(this.#progress, this.#cancelled);
    return phase === 'done' || phase === 'cancelled' ? phase : 'failed';
  }

  async goOnAsNew(): Promise<never> {
    await condition(allHandlersFinished);
    return continueAsNew<typeof jobGraph>({ ...this.#input, known: [...this.#progress.values()] });
  }

  #skip(): void {
    for (const [name, by] of stopped(this.#input.nodes, this.#progress))
      this.#set({ name, state: 'skipped', reason: `it needs \`${by}\`` });
  }

  #begin(): void {
    const { nodes, maxParallel = GRAPH_MAX_PARALLEL } = this.#input;
    for (const name of startable(nodes, this.#progress, maxParallel)) void this.#run(name);
  }

  async #run(name: string): Promise<void> {
    this.#set({ name, state: 'running' });
    this.#starting += 1;
    const node = this.#spec(name);
    const { owner } = this.#input;
    const onStarted = () => this.#started(name);
    const end = await runNode({ graphId: this.#id, node, results: this.#resultsIn(node.input), owner, onStarted });
    if (end === 'alreadyThere') this.#adopted.add(name);
    else this.#set({ name, ...end });
  }

  #started(name: string): void {
    this.#starting -= 1;
    this.#changed = true;
    if (this.#cancelled) void cancelNode(this.#id, name);
  }

  #spec(name: string): NodeSpec {
    return this.#input.nodes.find((node) => node.name === name)!;
  }

  /** What a node needs is done, so that its key is known. */
  #resultsIn(value: unknown): Record<string, string> {
    return Object.fromEntries(nodesIn(value).map((node) => [node, this.#progress.get(node)!.key!]));
  }

  /** Less and less often while nothing happens, at once when there is another one. */
  async #lookAfterAdopted(): Promise<never> {
    for (let pause = LOOK_FIRST; ; pause = Math.min(LOOK_AT_MOST, pause * 2)) {
      await condition(() => this.#adopted.size > 0);
      const names = [...this.#adopted];
      const ends = await askForEnds(
        this.#id,
        names.map((name) => this.#spec(name)),
      );
      if (ends.filter((end) => this.#learn(end)).length > 0) pause = LOOK_FIRST;
      await condition(() => [...this.#adopted].some((name) => !names.includes(name)), pause);
    }
  }

  /** Whether it is news. */
  #learn(node: KnownNode): boolean {
    const before = this.#progress.get(node.name)?.state;
    if (!this.#adopted.has(node.name) || before === node.state) return false;
    if (node.state !== 'running' && node.state !== 'quarantined') this.#adopted.delete(node.name);
    this.#set(node);
    return true;
  }

  #cancel(): void {
    this.#cancelled = true;
    for (const { name, state } of [...this.#progress.values()]) {
      if (state === 'pending') this.#set({ name, state: 'skipped', reason: 'the graph was cancelled' });
      if (state === 'running' || state === 'quarantined') void cancelNode(this.#id, name);
    }
  }

  #hear(signal: NodePhaseSignal): void {
    const node = this.#progress.get(signal?.node);
    if (node?.state !== 'running' && node?.state !== 'quarantined') return;
    if (signal.phase === 'quarantined')
      this.#set({
        name: node.name,
        state: 'quarantined',
        ...(signal.reason !== undefined && { reason: String(signal.reason) }),
      });
    else if (signal.phase === 'running') this.#set({ name: node.name, state: 'running' });
  }

  #set(node: KnownNode): void {
    this.#progress.set(node.name, node);
    this.#changed = true;
  }

  #tell(): void {
    const { phase } = this.status();
    setCurrentDetails(describeGraph(this.status(), this.#id));
    const done = shareDone(this.#progress);
    if (this.#shown.phase === phase && this.#shown.done === done) return;
    this.#shown = { phase, done };
    upsertSearchAttributes({ LockkeeperState: [phase], LockkeeperProgress: [done] });
  }
}
