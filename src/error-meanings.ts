import type { ErrorCode } from './errors.ts';

/** What each code means and what to do about it in general; the message of an error says it for the case at hand. */
export const ERROR_MEANINGS: Readonly<Record<ErrorCode, { readonly meaning: string; readonly remedy: string }>> = {
  CONFIG_INVALID: {
    meaning: '`lockkeeper.yaml`, or a module it names, cannot be used; every problem is listed with its line',
    remedy: 'Mend what is listed; `lockkeeper config check` tries again',
  },
  DEFINITION_INVALID: {
    meaning: 'A `defineJob` or `jobGraph` has an option that cannot be used',
    remedy: 'Correct it where the job or graph is defined',
  },
  SETTING_BREAKS_LAW: {
    meaning: 'A setting would break a promise of lockkeeper, such as jobs saving their place before the worker ends',
    remedy: 'Choose a value as the message says',
  },
  TEMPORAL_UNREACHABLE: {
    meaning: 'Temporal does not answer at its address',
    remedy: 'Start it (`lockkeeper dev` brings one), or correct TEMPORAL_ADDRESS or the profile that was used',
  },
  TEMPORAL_TOO_OLD: {
    meaning: 'The Temporal server is older than what lockkeeper needs to hold back a task queue',
    remedy: 'Upgrade the server',
  },
  TEMPORAL_CONFIG_INVALID: {
    meaning:
      "Temporal's environment configuration cannot be used: a file that is missing or broken, or a profile that is not there",
    remedy: 'Correct `temporal.toml` or the TEMPORAL_… variable that the message names',
  },
  TEMPORAL_TLS: {
    meaning:
      'No TLS connection to Temporal: one side did not accept the certificate of the other, or one speaks no TLS',
    remedy: 'Correct the TEMPORAL_TLS_… variables, or `tls` of the profile',
  },
  TEMPORAL_DENIED: {
    meaning: 'Temporal answers, and refuses the API key, or does not let it do what was asked',
    remedy: 'Correct TEMPORAL_API_KEY, or `api_key` of the profile, or what it is allowed to do',
  },
  TEMPORAL_NAMESPACE_MISSING: {
    meaning: 'The Temporal server has no namespace of that name',
    remedy: 'Correct TEMPORAL_NAMESPACE, or `temporal operator namespace create`',
  },
  TEMPORAL_BINARY_MISSING: {
    meaning: '`lockkeeper dev` found no Temporal CLI and could not download one',
    remedy: 'Install it, name it with TEMPORAL_CLI_PATH, or set TEMPORAL_ADDRESS to a server that runs',
  },
  LEDGER_UNREACHABLE: {
    meaning: "The ledger's Postgres does not answer",
    remedy: 'Check that it runs, and DATABASE_URL',
  },
  LEDGER_DENIED: {
    meaning: 'Postgres does not let us in, or not do what is needed: the user, its password or its rights',
    remedy: 'Correct the user and password in DATABASE_URL, or grant what the message names',
  },
  LEDGER_DATABASE_MISSING: {
    meaning: 'The Postgres server has no database of that name',
    remedy: 'Create it with `createdb`, or correct DATABASE_URL',
  },
  LEDGER_SCHEMA: {
    meaning: 'The schema of the ledger is missing, or older or newer than this version of lockkeeper can use',
    remedy: 'Missing or older: `lockkeeper ledger migrate`. Newer: upgrade lockkeeper here',
  },
  POSTGRES_TOO_OLD: {
    meaning: 'The Postgres server is older than what the ledger needs',
    remedy: 'Upgrade it, or set DATABASE_URL to a newer one',
  },
  LEDGER_WRONG_CLUSTER: {
    meaning: 'The ledger belongs to another Temporal cluster or namespace than the one connected to',
    remedy:
      'Give each cluster and namespace a database of its own, or correct TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE or DATABASE_URL',
  },
  LEDGER_POOLED: {
    meaning: 'A connection pooler stands between a worker and Postgres: session locks do not survive it',
    remedy: 'Set DATABASE_URL of workers to Postgres itself',
  },
  QUEUE_OF_ANOTHER_ENVIRONMENT: {
    meaning: 'A task queue belongs to another environment: its deploys pause it',
    remedy: 'Rename the queue, or correct `environment` in `lockkeeper.yaml`',
  },
  GATE_OWNED_BY_ANOTHER: {
    meaning: 'A deploy found the gate of a queue held by another deploy',
    remedy: 'Wait for the other deploy to end, or abort it: `lockkeeper board` shows it',
  },
  BRAKE_OF_ANOTHER_LEDGER: {
    meaning: 'A task queue is paused on the Temporal server by somebody else',
    remedy:
      'One queue belongs to one ledger; if that one is gone, clear the limit with `temporal task-queue config set`',
  },
  PORT_TAKEN: {
    meaning: 'A port that `lockkeeper dev` was asked to use is taken',
    remedy: 'Stop what listens there, or choose another with the option that the message names',
  },
  JOB_UNKNOWN: { meaning: 'The config exports no job of that name', remedy: 'Correct the name, or export the job' },
  JOB_INPUT_INVALID: {
    meaning: 'The input of a job is not JSON, or its `parseInput` refuses it; nothing was started',
    remedy: 'Correct the input',
  },
  JOB_FAILED: {
    meaning: 'The code of a job threw until its retry budget was used up, or a person gave it up',
    remedy: 'See the reason with `lockkeeper job show <id>`',
  },
  JOB_EXISTS: {
    meaning: 'Another job, or the same one with another input, was started under that id; nothing was started',
    remedy: 'Use another id, or give the first input again',
  },
  JOB_QUARANTINED: {
    meaning:
      'A job under test has come to where it would wait for a person: not restorable, or killed too often without progress',
    remedy: 'Mend the job, or the state it is given',
  },
  JOB_NOT_FOUND: { meaning: 'There is no job of that id, or it has ended', remedy: 'See `lockkeeper job list`' },
  GRAPH_UNKNOWN: {
    meaning: 'The config exports no graph of that name',
    remedy: 'Correct the name, or export what `jobGraph` returns',
  },
  GRAPH_INVALID: {
    meaning:
      'The nodes of a graph cannot be run: they need each other in a circle or what is not there, there are none or too many, two have one name, or a name cannot be used; nothing was started',
    remedy: 'Correct `nodes` where the graph is defined, or the input it was given',
  },
  GRAPH_FAILED: {
    meaning: 'Nodes of a graph have failed; everything that did not need them is done',
    remedy: 'See them with `lockkeeper graph show <id>`, mend the cause, then `lockkeeper graph rerun <id>`',
  },
  GRAPH_EXISTS: {
    meaning:
      'Another graph, or the same one with other nodes or inputs, was started under that id; nothing was started',
    remedy: 'Use another id, or `lockkeeper graph rerun <id>` for the nodes that were there',
  },
  GRAPH_NOT_FOUND: { meaning: 'There is no graph of that id', remedy: 'See `lockkeeper graph list`' },
  FENCED: {
    meaning: 'Another slice, or a later run of the deploy, took over; what the refused one still writes does not count',
    remedy: 'Nothing: the work goes on elsewhere',
  },
  STATE_INVALID: {
    meaning: 'The state or result of a job cannot be written as JSON, or not be read back',
    remedy: 'Keep plain objects, arrays, strings, finite numbers, booleans and null in it',
  },
  STATE_TOO_LARGE: {
    meaning: 'The state or result of a job is larger than a checkpoint can be',
    remedy: 'Keep a place in it (a row number, a cursor), not the data',
  },
  KEYRING_MISSING: {
    meaning: 'There are no keys, and nobody has said that nothing is to be encrypted',
    remedy: '`lockkeeper keys generate --file`, or `encryption: { mode: plaintext }`',
  },
  KEYRING_INVALID: {
    meaning: 'The keys cannot be read, or are not keys',
    remedy: 'As the message says; `id:base64` of 32 bytes each, the first one encrypts',
  },
  KEY_MISSING: {
    meaning: 'Something was encrypted by a key that is not in the keyring',
    remedy: 'Put the key back, behind the present one',
  },
  SEAL_BROKEN: {
    meaning: 'Something encrypted was changed, or moved from where it belongs, or two keys have the same id',
    remedy: 'It is not used. Find out who writes into the database, and whether the id names the same key everywhere',
  },
  PLAINTEXT_REFUSED: {
    meaning:
      'Something saved is not encrypted, and there is a keyring: whoever writes into the database could have put it there',
    remedy: 'For rows from before there was a keyring: `acceptPlaintext`, until every job has saved again',
  },
  TRANSACTION_NOT_ITERATED: {
    meaning: 'A `job.transaction` was made and never run',
    remedy: 'Write `yield* job.transaction(…)`',
  },
  TRANSACTION_WITHOUT_SAVE: {
    meaning: 'A `job.transaction` ended without `save()`: its effect would be done again',
    remedy: 'Call `save(nextState)` in its body',
  },
  TRANSACTION_NESTED: {
    meaning: 'A `job.transaction` began inside another one, or a query came after its end',
    remedy: 'One after the other, and await every query inside the body',
  },
  YIELD_IN_FINALLY: {
    meaning: 'A job yielded in a `finally` block while it was stepping aside',
    remedy: 'Checkpoints belong before it; a `finally` only releases resources',
  },
  DEPLOY_CONFLICT: {
    meaning: 'A deploy of that id was requested before with other contents',
    remedy: 'Use a new id, for example with the number of the CI run in it',
  },
  DEPLOY_INVALID: {
    meaning: 'The deploy worker refuses the request: an unknown plan, wrong parameters, or a wrong nonce',
    remedy: 'Correct the request; the deploy worker knows the plans of its own `lockkeeper.yaml`',
  },
  DEPLOY_NOT_FOUND: {
    meaning: 'The environment has had no deploy of that id',
    remedy: 'See `lockkeeper deploy list`',
  },
  DEPLOY_NOT_CURRENT: {
    meaning: 'The deploy neither runs nor waits, so it cannot be told anything',
    remedy: 'See `lockkeeper deploy show <id>`',
  },
  DEPLOY_NOT_APPROVED: {
    meaning: 'Too few people have approved the deploy: it has no place in the order, and no lock',
    remedy: '`lockkeeper deploy approve <id>`; `deploy show` says who may',
  },
  APPROVAL_REFUSED: {
    meaning: 'An approval that does not count, or one to be taken back that was never given',
    remedy: 'Somebody else approves it; `lockkeeper deploy show <id>` says who may',
  },
  LEASE_TAKEN: {
    meaning: 'Another process does the work of this external step',
    remedy: 'Let it, or abort the deploy',
  },
  LEASE_LOST: {
    meaning: 'The one who did an external step was silent for too long; its command was ended',
    remedy: 'The deploy is held for a person: `lockkeeper deploy retry-step`, `skip-step` or `abort`',
  },
  STEP_FAILED: {
    meaning: 'A command could not be run, or not be watched or ended',
    remedy: 'As the message says; `lockkeeper deploy show <id>` has its output',
  },
  TIMED_OUT: {
    meaning: 'What was waited for has not ended in time; it goes on without us',
    remedy: 'Wait again, or look at it',
  },
  NO_DEPLOY_WORKER: {
    meaning: 'No deploy worker answers for the environment',
    remedy: 'Run `lockkeeper deploy-worker`, and see that it reaches its ledger; ask again under the same id',
  },
  USAGE: {
    meaning: 'The command line, a variable such as DATABASE_URL, or a call is wrong',
    remedy: 'As the message says; every command has its own `--help`',
  },
};
