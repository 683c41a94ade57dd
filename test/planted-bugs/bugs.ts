/**
 * A bug for each law of docs/architecture.md, and for the mechanisms that hold them. The suite is worth something only as
 * long as it notices each of these: `npm run test:planted` plants one after the other and expects a test to fail.
 */
export interface PlantedBug {
  /** The law that it breaks, or the promise of docs/guarantees.md. */
  readonly breaks: string;
  readonly file: string;
  /** Stands once in the file. */
  readonly from: string;
  readonly to: string;
  /** The test file that must notice, and, where only some of its tests are to be run, part of their names. */
  readonly caughtBy: string;
  readonly named?: string;
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    breaks: 'law 1: the server holds the pause',
    file: 'src/activities/brake.ts',
    from: 'await setLimit(client, taskQueue, { rate: 0, reason });',
    to: 'return;',
    caughtBy: 'test/deploys/attacks.test.ts',
    named: 'a late open of one deploy',
  },
  {
    breaks: 'law 2: a planned interruption is no failed activity',
    file: 'src/activities/claimed-slice.ts',
    from: 'const told = await this.#end(reason, as);',
    to: "const told = await this.#end(reason, as);\n    throw new Error('stepped aside');",
    caughtBy: 'test/deploys/jobs.test.ts',
    named: 'continues as new',
  },
  {
    breaks: 'law 3: a new coordinator acts on the state it finds',
    file: 'src/activities/deploys.ts',
    from: 'open.map(async (row) => {',
    to: 'open.filter((row) => row.token === undefined).map(async (row) => {',
    caughtBy: 'test/deploys/attacks.test.ts',
    named: 'coordinator and run terminated together',
  },
  {
    breaks: 'law 4: what is closed is opened, whatever becomes of the deploy',
    file: 'src/activities/settle.ts',
    from: 'if (gate.owner?.deploy !== deploy) continue;',
    to: 'if (gate.owner) continue;',
    caughtBy: 'test/deploys/endings.test.ts',
    named: 'terminated in Temporal',
  },
  {
    breaks: 'law 4: a gate is opened by nobody but its owner',
    file: 'src/ledger/gates.ts',
    from: 'where namespace = $1 and task_queue = $2 and owner_deploy = $3 and owner_token <= $4 returning *`,',
    to: 'where namespace = $1 and task_queue = $2 and ($3::text is not null or $4::bigint > 0) returning *`,',
    caughtBy: 'test/ledger/gates.test.ts',
  },
  {
    breaks: 'law 5: the drain has a deadline and an action',
    file: 'src/workflows/deploy-run.ts',
    from: 'if (left <= 0 && !run.drain.onlyAtomic()) return drainIsLate(run, grant);',
    to: '',
    caughtBy: 'test/deploys/jobs.test.ts',
    named: 'onTimeout abort',
  },
  {
    breaks: 'law 6: whose run was superseded writes nothing more',
    file: 'src/ledger/deploy-record.ts',
    from: 'where namespace = $1 and environment = $2 and id = $3 and fencing_token = $4 for update`,',
    to: 'where namespace = $1 and environment = $2 and id = $3 and $4::bigint > 0 for update`,',
    caughtBy: 'test/ledger/deploys.test.ts',
  },
  {
    breaks: 'law 6: a worker that holds its lock is not declared dead',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: 'if not found or not pg_try_advisory_xact_lock(1280005963, worker.session_lock::integer) then',
    to: 'if not found then',
    caughtBy: 'test/ledger/worker-gone.test.ts',
  },
  {
    breaks: 'law 6: a worker that lost only its session has a grace',
    file: 'src/workers/missing.ts',
    from: 'export const GRACE = 1_500;',
    to: 'export const GRACE = 0;',
    caughtBy: 'test/workers/missing.test.ts',
  },
  {
    breaks: 'law 7: parameters match the pattern of the operator',
    file: 'src/config/check-parameters.ts',
    from: 'new RegExp(`^(?:${pattern})$`)',
    to: 'new RegExp(`(?:${pattern})`)',
    caughtBy: 'test/config/resolve-plan.test.ts',
  },
  {
    breaks: 'law 8: closing a gate costs the same with many open jobs',
    file: 'src/activities/gates.ts',
    from: 'await ensureGate(ledger, ref.environment, taskQueue);',
    to: `await ensureGate(ledger, ref.environment, taskQueue);
    for await (const open of client.workflow.list({ query: 'ExecutionStatus = "Running"' })) {
      await ledger.pool.query('select from lockkeeper._jobs where workflow_id = $1', [open.workflowId]);
    }`,
    caughtBy: 'test/deploys/open-jobs.test.ts',
  },
  {
    breaks: 'exactly once: effect and checkpoint in one transaction',
    file: 'src/jobs/transaction.ts',
    from: "const saved = await this.#saver.write(client, this.#saver.next('state', attempt.next.value));",
    to: "const saved = await this.#saver.write(this.#ledger.pool, this.#saver.next('state', attempt.next.value));",
    caughtBy: 'test/jobs/transaction.test.ts',
  },
  {
    breaks: 'exactly once: a COMMIT whose reply was lost is not done again',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: 'where j.key = in_key and j.claim = in_claim and j.epoch = in_epoch and j.seq = in_seq - 1;',
    to: 'where j.key = in_key and j.claim = in_claim and j.epoch = in_epoch;',
    caughtBy: 'test/ledger/checkpoints.test.ts',
  },
  {
    breaks: 'fencing: a slice whose claim was taken away saves nothing',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: 'where j.key = in_key and j.claim = in_claim and j.epoch = in_epoch and j.seq = in_seq - 1;',
    to: 'where j.key = in_key and j.seq = in_seq - 1;',
    caughtBy: 'test/ledger/checkpoints.test.ts',
  },
  {
    breaks: 'drain: a gate that closes waits for claims in flight',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: 'where g.namespace = in_namespace and g.task_queue = in_task_queue for share;',
    to: 'where g.namespace = in_namespace and g.task_queue = in_task_queue;',
    caughtBy: 'test/ledger/claim-meets-gate.test.ts',
  },
  {
    breaks: 'drain: of two last releasers exactly one says so',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: 'where g.namespace = found_claim.namespace and g.task_queue = found_claim.task_queue for update;',
    to: 'where g.namespace = found_claim.namespace and g.task_queue = found_claim.task_queue;',
    caughtBy: 'test/ledger/last-release.test.ts',
  },
  {
    breaks: 'commands: one that is not idempotent is never run twice',
    file: 'src/activities/steps.ts',
    from: 'if (idempotent) throw',
    to: 'if (idempotent || reason) throw',
    caughtBy: 'test/deploys/order.test.ts',
    named: 'that is not idempotent',
  },
  {
    breaks: 'late acts: a gate that is being opened is not closed again by a frozen attempt',
    file: 'src/activities/gates.ts',
    from: 'if (act !== undefined) await beginAct(ledger, ref, act);',
    to: '',
    caughtBy: 'test/properties/late-acts.test.ts',
  },
  {
    breaks: 'late acts: what is written late changes nothing',
    file: 'src/ledger/deploy-record.ts',
    from: 'if (act !== undefined && act <= rows[0].last_act) return;',
    to: '',
    caughtBy: 'test/ledger/deploys.test.ts',
  },
  {
    breaks: 'atomic: a job lost in the middle is not begun again without a word',
    file: 'src/jobs/define-job.ts',
    from: "lossesAllowed: atomic && atomic.onCrash !== 'restart' ? 1 : LOSSES_UNTIL_QUARANTINE,",
    to: 'lossesAllowed: LOSSES_UNTIL_QUARANTINE,',
    caughtBy: 'test/jobs/define-job.test.ts',
  },
  {
    breaks: 'a statement that is at work can be ended with its claim',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: "perform set_config('application_name', 'lockkeeper slice ' || in_claim, true);",
    to: '',
    caughtBy: 'test/ledger/statement-sessions.test.ts',
  },
  {
    breaks: 'what a person decides about a job is not forgotten',
    file: 'src/workflows/run-slices.ts',
    from: '...(this.#release && { release: this.#release }),',
    to: '',
    caughtBy: 'test/jobs/workflow.test.ts',
    named: 'a release in a history',
  },
  {
    breaks: 'an atomic job that was given up is not begun again without a word',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: "unplanned := in_state = 'lost' or (in_state = 'fenced' and found_claim.atomic_until is not null);",
    to: "unplanned := in_state = 'lost';",
    caughtBy: 'test/ledger/claims.test.ts',
    named: 'an atomic slice that is given up',
  },
  {
    breaks: 'a run that is settled begins no step any more',
    file: 'src/ledger/deploy-record.ts',
    from: "set fencing_token = nextval('lockkeeper._fencing_token'), last_act = 0",
    to: 'set last_act = last_act',
    caughtBy: 'test/ledger/deploys.test.ts',
    named: 'takes the place of its run',
  },
  {
    breaks: 'the test helpers kill a job before its transaction is committed, where what is done twice shows',
    file: 'src/testing/watched-slice.ts',
    from: 'if (saved && diesNext()) await this.#die();',
    to: '',
    caughtBy: 'test/testing/database.test.ts',
  },
  {
    breaks: 'the test helpers let a job go on from what was saved, as JSON',
    file: 'src/testing/memory-place.ts',
    from: 'value: JSON.parse(this.#last.bytes.toString()) as unknown',
    to: 'value: this.#last.checkpoint.value',
    caughtBy: 'test/testing/without-database/run-job-in-test.test.ts',
  },
  {
    breaks: 'plugin: a pause that eager dispatch goes round',
    file: 'src/workers/temporal-settings.ts',
    from: 'maxEagerActivityReservationsPerWorkflowTask: 0,',
    to: '',
    caughtBy: 'test/workers/plugin.test.ts',
    named: 'steps aside for a deploy',
  },
  {
    breaks: 'plugin: jobs that do not hear of a shutdown',
    file: 'src/workers/plugged-worker.ts',
    from: "worker.shutdown = () => host.stop('the Worker is shut down', shutdown);",
    to: 'void shutdown;',
    caughtBy: 'test/workers/plugin.test.ts',
    named: 'is shut down in the middle of a job',
  },
  {
    breaks: 'ids: another input under the same id is taken for the same job',
    file: 'src/client/job-client.ts',
    from: '(theirs === undefined || theirs === inputHash)',
    to: 'inputHash',
    caughtBy: 'test/client/job-client.test.ts',
    named: 'an id that is taken',
  },
  {
    breaks: 'promise: a worker’s login writes no checkpoint past the fence',
    file: 'src/ledger/roles/worker.sql',
    from: 'grant select on lockkeeper._checkpoints to lockkeeper_worker;',
    to: 'grant select, insert on lockkeeper._checkpoints to lockkeeper_worker;',
    caughtBy: 'test/roles/worker.test.ts',
    named: 'past the fence',
  },
  {
    breaks: 'promise: a reader sees no command of a deploy',
    file: 'src/ledger/migrations/001_ledger.sql',
    from: "select namespace, environment, id, plan, request ->> 'version' as version,",
    to: "select namespace, environment, id, plan, resolved_plan, request ->> 'version' as version,",
    caughtBy: 'test/roles/reader.test.ts',
    named: 'in any form',
  },
  {
    breaks: 'promise: what nobody granted is closed to everybody',
    file: 'src/ledger/roles.ts',
    from: "await client.query('revoke all on all functions in schema lockkeeper from public');",
    to: '',
    caughtBy: 'test/roles/lists.test.ts',
    named: 'closed to both',
  },
];
