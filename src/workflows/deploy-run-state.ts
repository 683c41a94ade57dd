import {
  ApplicationFailure,
  CancellationScope,
  defineQuery,
  defineSignal,
  defineUpdate,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  DEPLOY_STATUS_QUERY,
  FINISH_SIGNAL,
  OPERATE_UPDATE,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
  nameOfCode,
} from '../protocol.ts';
import type {
  DeployFinish,
  DeployRef,
  DeployRunInput,
  DeployStatus,
  Direction,
  LockGrant,
  Operation,
  Outcome,
  ParticipantDrained,
  QueueDrained,
  StepRecord,
  StepState,
} from '../protocol.ts';
import { acts } from './deploy-activities.ts';
import { DeployAborted } from './deploy-ends.ts';
import { describeDeploy } from './details.ts';
import { DrainBoard } from './drain.ts';

/** What a deploy run knows, what it tells, and what it is told. Handlers only note; the run acts. */
export class RunState {
  readonly input: DeployRunInput;
  code = 0;
  drain = new DrainBoard([]);
  /** Something about the drain was heard since it was last looked at. */
  drainNews = false;
  aborted: Operation | undefined;
  /** A person's word on the step that waits for one. */
  verdict: Operation | undefined;
  finished: DeployFinish | undefined;
  /** A person's word that a `wait` step has waited long enough. */
  skipped: { readonly n: number; readonly operation: Operation } | undefined;
  #held: DeployStatus['held'];
  #phase = 'starting';
  #direction: Direction = 'forward';
  #token = 0;
  /** How much this run has done. */
  #acts = 0;
  #steps: StepRecord[] = [];
  #end: { outcome: Outcome; reason: string } | undefined;
  #ending = false;

  constructor(input: DeployRunInput) {
    this.input = input;
    setHandler(defineQuery<DeployStatus>(DEPLOY_STATUS_QUERY), () => this.status());
    setHandler(defineSignal<[QueueDrained]>(QUEUE_DRAINED_SIGNAL), (signal) => this.#queueDrained(signal));
    setHandler(defineSignal<[ParticipantDrained]>(PARTICIPANT_DRAINED_SIGNAL), (signal) =>
      this.#participantDrained(signal),
    );
    setHandler(defineSignal<[DeployFinish]>(FINISH_SIGNAL), (signal) => {
      if (this.#isMine(signal)) this.finished = signal;
    });
    setHandler(defineUpdate<DeployStatus, [Operation]>(OPERATE_UPDATE), (operation) => this.#operate(operation), {
      validator: (operation: Operation) => this.#checkOperation(operation),
    });
  }

  get ref(): DeployRef {
    return { environment: this.input.environment, deploy: this.input.deploy, token: this.#token };
  }

  /** Takes over what the ledger knows: nothing at the first run, the last place after a kick. */
  begin(grant: LockGrant): void {
    this.#token = grant.token;
    this.code = grant.code;
    this.#direction = grant.direction;
    this.#steps = [...grant.steps];
    this.drain = new DrainBoard(grant.plan.participants);
  }

  enter(phase: string): void {
    this.#phase = phase;
    this.tell();
  }

  tell(): void {
    setCurrentDetails(describeDeploy(this.status()));
  }

  /** The number of what this run does next: whatever was numbered before and comes later is void. */
  nextAct(): number {
    this.#acts += 1;
    return this.#acts;
  }

  /** Writes the code down before the act that it names is over with; it only grows. */
  async reach(code: number): Promise<void> {
    if (code <= this.code) return;
    await this.#write((act) =>
      acts(`code ${code}, ${nameOfCode(code)}`).recordCode({ ...this.ref, act, code, direction: this.#direction }),
    );
    this.code = code;
    this.tell();
  }

  async turnBack(): Promise<void> {
    this.#direction = 'back';
    await this.#write((act) => acts('turn back').recordCode({ ...this.ref, act, code: this.code, direction: 'back' }));
    this.enter('rolling back');
  }

  async recordStep(n: number, state: StepState, more: { runId?: string; note?: string } = {}): Promise<void> {
    const note = more.note === undefined ? {} : { note: more.note };
    this.#steps = this.#steps.map((step) =>
      step.n === n ? { n, name: step.name, type: step.type, state, ...note } : step,
    );
    await this.#write((act) => acts(`step ${n}: ${state}`).recordStep({ ...this.ref, act, n, state, ...more }));
    this.tell();
  }

  /** The record is written also when the run was just cancelled: what is true is not undone by that. */
  #write(write: (act: number) => Promise<void>): Promise<void> {
    const act = this.nextAct();
    return CancellationScope.nonCancellable(() => write(act));
  }

  hold(held: NonNullable<DeployStatus['held']> | undefined): void {
    this.#held = held;
    this.verdict = undefined;
    this.tell();
  }

  /** What is left is to open the gates and to write down how it ended: nobody can change that any more. */
  beginEnd(): void {
    this.#ending = true;
    this.enter('opening the gates');
  }

  end(outcome: Outcome, reason: string): void {
    this.#end = { outcome, reason };
    upsertSearchAttributes({ LockkeeperState: [outcome] });
    this.tell();
  }

  stateOf(n: number): StepState {
    return this.#steps.find((step) => step.n === n)?.state ?? 'pending';
  }

  /** Done or given up by a person: not to be run again. */
  isSettled(n: number): boolean {
    return ['done', 'skipped'].includes(this.stateOf(n));
  }

  /** It may have had an effect that a rollback must undo. */
  wasStarted(n: number): boolean {
    return !['pending', 'skipped'].includes(this.stateOf(n));
  }

  stopIfAborted(): void {
    if (this.aborted) throw new DeployAborted(`aborted by ${this.aborted.by}: ${this.aborted.reason}`);
    if (CancellationScope.current().consideredCancelled) throw new DeployAborted('cancelled in Temporal');
  }

  status(): DeployStatus {
    return {
      deploy: this.input.deploy,
      environment: this.input.environment,
      code: this.code,
      direction: this.#direction,
      phase: this.#phase,
      token: this.#token,
      draining: this.#phase.startsWith('draining') ? this.drain.waitingFor() : [],
      steps: this.#steps,
      ...(this.#end && { outcome: this.#end.outcome, ...(this.#end.reason && { reason: this.#end.reason }) }),
      ...(this.#held && { held: this.#held }),
    };
  }

  #isMine(message: { readonly deploy?: unknown } | undefined): boolean {
    return message?.deploy === this.input.deploy;
  }

  #queueDrained(signal: QueueDrained): void {
    if (this.#isMine(signal) && this.drain.concerns(signal.taskQueue, signal.generation)) this.drainNews = true;
  }

  #participantDrained(signal: ParticipantDrained): void {
    if (!this.#isMine(signal)) return;
    this.drain.participantDrained(signal.participant);
    this.drainNews = true;
  }

  #checkOperation(operation: Operation): void {
    const refuse = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code);
    if (!this.#isMine(operation))
      throw refuse('DEPLOY_NOT_CURRENT', `deploy ${this.input.deploy} runs now, not ${operation?.deploy}`);
    if (!operation.reason || !operation.by)
      throw refuse('USAGE', 'an operation needs `reason` and `by`: they go on the record');
    if (!['abort', 'retryStep', 'skipStep'].includes(operation.action))
      throw refuse('USAGE', `unknown action ${String(operation.action)}`);
    const mayBeSkipped = operation.action === 'skipStep' && this.#waitStep() !== undefined;
    if (operation.action !== 'abort' && this.#held?.step === undefined && !mayBeSkipped)
      throw refuse('USAGE', 'no step of this deploy waits for a person');
    if (this.#ending || this.#direction === 'back')
      throw refuse('USAGE', `the deploy is ${this.#phase}: it cannot be changed any more`);
  }

  /** The step that does nothing but wait now. */
  #waitStep(): StepRecord | undefined {
    return this.#steps.find((step) => step.type === 'wait' && step.state === 'started');
  }

  #operate(operation: Operation): DeployStatus {
    const wait = this.#held ? undefined : this.#waitStep();
    if (operation.action === 'abort') this.aborted = operation;
    else if (wait) this.skipped = { n: wait.n, operation };
    else this.verdict = operation;
    return this.status();
  }
}
