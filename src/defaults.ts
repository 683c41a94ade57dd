/** Every default, once, with its reason. Durations are milliseconds. */

/** The oldest Temporal server with a queue rate limit of 0 that persists and can be read back with its reason. */
export const MINIMUM_TEMPORAL_SERVER = '1.30.0';
/** `pg_advisory_lock`, `idle_in_transaction_session_timeout` and everything else used; the oldest still supported one. */
export const MINIMUM_POSTGRES = 14;

/** Plain `yield` writes at most this often: a crash repeats at most this much. */
export const CHECKPOINT_EVERY = 1_000;
/** Plain saves of a worker's slices that are written together at most: the price of a commit is divided enough, and rows are locked
 *  for some milliseconds only. */
export const SAVES_TOGETHER = 100;
/** Bytes of them at most: a larger state gains nothing by company, goes alone, and keeps nobody waiting. */
export const SAVES_TOGETHER_BYTES = 4 * 1024 * 1024;
/** Such writes at once: while one waits for the disk, Postgres is at work on the other. Each has a connection of the pool. */
export const SAVE_WRITES = 2;
/** A write that takes longer does not keep later saves waiting: perhaps only its connection stands still. */
export const SAVES_WAIT_AT_MOST = 1_000;
/** A connection to the ledger on which nothing comes for so long is asked whether the other end is there, milliseconds; the system
 *  would ask after two hours. */
export const CLIENT_KEEPALIVE_AFTER = 4_000;
/** A save that is not answered for so long has lost its connection, whatever the network says: a firewall that forgets a connection
 *  tells nobody. It is looked up and made again on another one. */
export const SAVE_ANSWERED_WITHIN = 10_000;
/** Serialization failures and deadlocks in a row before the job's own retry budget takes over; lost connections of its transactions
 *  before the slice yields. */
export const TRANSACTION_TRIES = 10;
/** Checkpoints kept per job: the present one and two to fall back on. */
export const CHECKPOINTS_KEPT = 3;
/** Largest state of a job, bytes of JSON: what Postgres moves in a few milliseconds. */
export const STATE_LIMIT_BYTES = 8 * 1024 * 1024;
/** A larger result stays in the ledger and a reference goes through Temporal (whose own limit is 2 MiB). */
export const RESULT_IN_TEMPORAL_BYTES = 256 * 1024;
/** Losses without progress before a job is quarantined: an input that kills its worker must not go round for ever. */
export const LOSSES_UNTIL_QUARANTINE = 5;

/** How long a job whose checkpoint cannot be read by the workers that take it (a key is missing, a newer version wrote it) waits for
 *  one that can, before its definition decides: a mistake of configuration is mended in this time, and nothing is lost by it. */
export const UNREADABLE_PATIENCE = 300_000;

/** How long a silent worker is believed: the fallback where nothing tells of its death. */
export const SLICE_HEARTBEAT_TIMEOUT = 30_000;
/** How often a slice heartbeats, and so how late it hears of cancellation. */
export const SLICE_HEARTBEAT_EVERY = 1_000;
/** How long a refused slice waits for its gate to open before it yields: longer than the server still dispatches
 *  after the brake (0.22 s measured), so that the next slice is held by the server and nothing spins. */
export const PARK_FOR = 2_000;
/** How long a slice waits for a ledger that is away before it yields. */
export const LEDGER_PATIENCE = 30_000;

/** Retry budget of a job's own errors, counted without progress between them. */
export const JOB_RETRY = {
  maximumAttempts: 5,
  initialIntervalMs: 1_000,
  backoffCoefficient: 2,
  maximumIntervalMs: 60_000,
};

/** Nodes of a graph that run at once: as many as one worker has slices of a queue. */
export const GRAPH_MAX_PARALLEL = 100;
/** Nodes of one graph: each costs its workflow about ten events, and Temporal bears no more than 2,000 children at once. */
export const GRAPH_NODES = 1_000;
/** All nodes of a graph with their inputs, bytes of JSON: half of what Temporal takes in one payload, for the graph's workflow
 *  adds what has become of each. */
export const GRAPH_LIMIT_BYTES = 1024 * 1024;

/** How often the worker that watches looks for dead ones: found 0.13 s after their death on average, for one query. */
export const WATCH_EVERY = 250;
/** A workflow task that the worker it is meant for does not take goes to any other after this; the SDK's 10 s would be
 *  added to whatever a dead worker's workflows do next. */
export const STICKY_FOR = 1_000;

/** Workers look at their gates this often even when no notification came (jittered by half). */
export const GATE_POLL_EVERY = 5_000;
/** From SIGTERM until a slice that does not yield is cancelled. */
export const SHUTDOWN_GRACE = 20_000;
/** From SIGTERM until the worker gives up on slices that ignore cancellation; below Kubernetes' 30 s. */
export const SHUTDOWN_FORCE = 25_000;

/** One deadline for the whole drain. */
export const DRAIN_DEADLINE = 60_000;
/** With `onTimeout: wait`, how much longer. */
export const DRAIN_WAIT = 600_000;
/** From this part of the drain's deadline on it is told that the deadline is near. */
export const DRAIN_NEARLY_LATE = 0.8;
/** The deploy asks the ledger by itself this often, in case a drain signal was lost. */
export const DRAIN_POLL_EVERY = 2_000;

/** A wrapper that is silent for this long has lost its lease. */
export const LEASE = 15_000;
/** How long an external step waits for the one who asked for the deploy to take the lease: it looks twice a second, and while
 *  it is waited for everybody's gates are closed, also when it is long gone. */
export const LEASE_CLAIM_WITHIN = 60_000;
/** Deadline of one step unless the plan says otherwise. */
export const STEP_TIMEOUT = 3_600_000;
/** From SIGTERM to SIGKILL of a command that is ended. */
export const COMMAND_KILL_AFTER = 5_000;
/** A deploy worker frozen for longer has its command ended by the guard: with the time to end it less than the 10 s after
 *  which the server gives up on the step. */
export const COMMAND_SILENT_FOR = 4_000;
/** How long a held deploy waits for a person before it is rolled back. */
export const HOLD = 3_600_000;
/** How long an approval counts: it was given for what was known that day. */
export const APPROVAL_EXPIRES_AFTER = 86_400_000;
/** How long `lockkeeper gates close` keeps them closed: nobody may be there to open them. */
export const GATES_CLOSED_FOR = 3_600_000;
/** A notice that could not be told for longer is given up: after a long weekend it still comes. */
export const NOTICE_DEADLINE = 259_200_000;
/** How long a receiver of notices may take to answer. */
export const NOTICE_TIMEOUT = 10_000;
/** How often a deploy worker looks for notices, for each receiver: one query on an index. */
export const NOTICE_POLL_EVERY = 1_000;
/** Notices told at the same time, for each receiver. */
export const NOTICES_AT_ONCE = 4;
/** A notice that was taken to be told is free again after this: its deploy worker is gone, or was frozen. Longer than it
 *  may take to tell it. */
export const NOTICE_TAKEN_FOR = 30_000;
/** After the first failure; twice as long after each further one, jittered by half. */
export const NOTICE_RETRY = { initialIntervalMs: 5_000, maximumIntervalMs: 3_600_000 };
/** A later notice of the same job waits until an earlier one has been tried this often (about 2 minutes), no longer. */
export const NOTICE_ORDER_TRIES = 5;
/** How long notices that were told are kept, to be looked at. */
export const NOTICE_DELIVERED_KEPT = 86_400_000;
/** How long notices that were given up are kept. */
export const NOTICE_FAILED_KEPT = 2_592_000_000;

/** How long a deploy waits to see work move again after its gates are open (the server needs 1.1 s). */
export const MOVING_WITHIN = 30_000;

/** Where the codec server listens: on this machine only, beside the Web UI of the dev server (8233). */
export const CODEC_SERVER_ADDRESS = '127.0.0.1';
export const CODEC_SERVER_PORT = 8_234;
/** The environment variable that holds the tokens of the codec server. */
export const CODEC_SERVER_TOKEN_ENV = 'LOCKKEEPER_CODEC_TOKEN';
