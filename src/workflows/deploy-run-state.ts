import {
  ApplicationFailure,
  CancellationScope,
  defineQuery,
  defineSignal,
  defineUpdate,
  patched,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import {
  CLAIM_TURN_UPDATE,
  DEPLOY_STATUS_QUERY,
  FINISH_SIGNAL,
  OPERATE_UPDATE,
  PARTICIPANT_DRAINED_SIGNAL,
  QUEUE_DRAINED_SIGNAL,
  nameOfCode,
} from '../protocol.ts';
import type {
  ClaimTurn,
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
import { refuseOperation, waitStep } from './operations.ts';

/** What a deploy run knows, what it tells, and what it is told. Handlers only note; the run acts. */
export class RunState {
  readonly input: DeployRunInput;
  code = 0;
  drain = new DrainBoard([]);
  /** Something about the drain was heard since it was last looked at. */
  drainNews = false;
  aborted: Operation | undefined;
  /** An operator wants it held before its next step. */
  toBeHeld: Operation | undefined;
  /** Its wrapper has given a sign of life. */
  claimed = false;
  /** A person's word on the step that waits for one. */
  verdict: Operation | undefined;
  finished: DeployFinish | undefined;
  /** A person's word that a `wait` step has waited long enough. */
  skipped: { readonly n: number; readonly operation: Operation } | undefined;
  #held: DeployStatus['held'];
  #unclaimed: DeployStatus['unclaimed'];
  #holdMs = 0;
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
      validator: (operation: Operation) => this.#refuse(operation),
    });
    setHandler(defineUpdate<DeployStatus, [ClaimTurn]>(CLAIM_TURN_UPDATE), () => this.#claim(), {
      validator: (claim: ClaimTurn) => this.#checkClaim(claim),
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
    this.#holdMs = grant.plan.holdMs;
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

  /** Asks its wrapper for a sign of life; until when, in milliseconds since 1970. Undefined: no longer. */
  callWrapper(until: number | undefined): void {
    this.#unclaimed = until === undefined ? undefined : { until };
    this.enter(until === undefined ? 'called' : 'waiting for a sign of life of its `deploy run`');
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
      ...(this.toBeHeld && { toBeHeld: { by: this.toBeHeld.by, reason: this.toBeHeld.reason } }),
      ...(this.#unclaimed && { unclaimed: this.#unclaimed }),
    };
  }

  #isMine(message: { readonly deploy?: unknown } | undefined): boolean {
    return message?.deploy === this.input.deploy;
  }

  #checkClaim(claim: ClaimTurn): void {
    const refuse = (code: string, message: string) => ApplicationFailure.nonRetryable(message, code);
    if (!this.#isMine(claim))
      throw refuse('DEPLOY_NOT_CURRENT', `deploy ${this.input.deploy} runs now, not ${claim?.deploy}`);
    if (typeof claim.nonce !== 'string' || claim.nonce === '') throw refuse('USAGE', 'claimTurn needs a nonce');
  }

  #claim(): DeployStatus {
    this.claimed = true;
    return this.status();
  }

  #queueDrained(signal: QueueDrained): void {
    if (this.#isMine(signal) && this.drain.concerns(signal.taskQueue, signal.generation)) this.drainNews = true;
  }

  #participantDrained(signal: ParticipantDrained): void {
    if (!this.#isMine(signal)) return;
    this.drain.participantDrained(signal.participant);
    this.drainNews = true;
  }

  #refuse(operation: Operation): void {
    const refused = refuseOperation(operation, {
      ...this.status(),
      ending: this.#ending || this.#direction === 'back',
      toBeHeld: this.toBeHeld !== undefined,
      now: Date.now(),
      holdMs: this.#holdMs,
    });
    if (refused) throw ApplicationFailure.nonRetryable(refused.message, refused.code);
  }

  /** It is done at once, and on the record before it is answered. */
  async #operate(operation: Operation): Promise<DeployStatus> {
    this.#apply(operation);
    if (patched('operations-on-record')) {
      const { environment } = this.input;
      await CancellationScope.nonCancellable(() => acts('for the record').recordOperation({ environment, operation }));
    }
    return this.status();
  }

  #apply(operation: Operation): void {
    switch (operation.action) {
      case 'abort':
        this.aborted = operation;
        break;
      case 'hold':
        this.toBeHeld = operation;
        break;
      case 'resume':
        this.toBeHeld = undefined;
        if (this.#held) this.verdict = operation;
        break;
      default: {
        const wait = this.#held ? undefined : waitStep(this.#steps);
        if (wait) this.skipped = { n: wait.n, operation };
        else this.verdict = operation;
      }
    }
  }
}
