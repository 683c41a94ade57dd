import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Connection } from '@temporalio/client';
import { LockkeeperError, isLockkeeperError } from '../errors.ts';
import { endLeftOver, startGuarded, type Guarded } from './guarded.ts';
import { connectTo, withPorts } from './ports.ts';
import { addMissingSearchAttributes } from './search-attributes.ts';

export interface StartTemporalOptions {
  /** Path of the Temporal CLI, see `findTemporal`. */
  readonly binary: string;
  /** Holds `temporal.db` and `temporal.log`. One server at a time: one left over here is ended first. */
  readonly dir: string;
  /** 0 or undefined: a free one. */
  readonly port?: number | undefined;
  readonly uiPort?: number | undefined;
  /** Name to type, as `{ LockkeeperKind: 'Keyword' }`. */
  readonly searchAttributes: Readonly<Record<string, string>>;
  /** Created besides `default`. */
  readonly namespace?: string | undefined;
  /** The codec server that the Web UI asks. */
  readonly codecEndpoint?: string | undefined;
  readonly log: (line: string) => void;
  /** Key to JSON value, as `{ 'history.timerProcessorMaxTimeShift': '"50ms"' }`. */
  readonly dynamicConfig?: Readonly<Record<string, string>> | undefined;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string;
  readonly pid: number;
  /** Stops gracefully, by force after 10 s. */
  readonly stop: () => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** It takes half a second; a machine that starts many things at once is given more. */
const READY_MS = 60_000;
const CALL_MS = 15_000;
/** Its ports, by what an error calls them. */
export const portsOf = (port: number | undefined, uiPort: number | undefined) => ({
  Temporal: port,
  'the Temporal Web UI': uiPort,
});

const GRACE_MS = 10_000;

/**
 * Runs the Temporal dev server on 127.0.0.1 with its state in `dir`, and returns when it answers. It ends with this process.
 *
 * @throws LockkeeperError `PORT_TAKEN`, or `TEMPORAL_UNREACHABLE` with the end of its log when it does not come up.
 * @example const temporal = await startTemporal({ binary, dir, searchAttributes: {}, log: console.error });
 */
export async function startTemporal(options: StartTemporalOptions): Promise<TemporalServer> {
  const { log } = options;
  const dir = resolve(options.dir);
  await mkdir(dir, { recursive: true });
  const kept = {
    name: 'Temporal',
    recordFile: join(dir, 'temporal.pid'),
    stopSignal: 'SIGTERM',
    graceMs: GRACE_MS,
  } as const;
  await endLeftOver({ ...kept, log });
  try {
    return await withPorts(portsOf(options.port, options.uiPort), async (ports) => {
      const port = ports.Temporal;
      const uiPort = ports['the Temporal Web UI'];
      const server = await startGuarded({
        ...kept,
        log,
        file: options.binary,
        args: startDevArgs(options, port, uiPort),
        cwd: dir,
        logFile: join(dir, 'temporal.log'),
      });
      await becomeReady(server, port, options);
      const { pid, stop, kill } = server;
      return { address: `127.0.0.1:${port}`, uiUrl: `http://127.0.0.1:${uiPort}`, pid, stop, kill };
    });
  } catch (error) {
    if (isLockkeeperError(error)) throw error;
    throw new LockkeeperError('TEMPORAL_UNREACHABLE', 'the Temporal dev server did not start', {
      next: `If its state is of no use any more, delete ${join(dir, 'temporal.db')}*`,
      cause: error,
    });
  }
}

function startDevArgs(options: StartTemporalOptions, port: number, uiPort: number): string[] {
  const { searchAttributes, dynamicConfig = {}, namespace, codecEndpoint } = options;
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', `${port}`, '--ui-port', `${uiPort}`],
    ...['--db-filename', 'temporal.db', '--log-level', 'warn', '--ui-disable-news-fetch'],
    ...(namespace ? ['--namespace', namespace] : []),
    ...(codecEndpoint ? ['--ui-codec-endpoint', codecEndpoint] : []),
    ...Object.entries(searchAttributes).flatMap(([key, type]) => ['--search-attribute', `${key}=${type}`]),
    ...Object.entries(dynamicConfig).flatMap(([key, json]) => ['--dynamic-config-value', `${key}=${json}`]),
  ];
}

async function becomeReady(server: Guarded, port: number, options: StartTemporalOptions): Promise<void> {
  const namespace = options.namespace ?? 'default';
  try {
    await server.ready(
      () => call(port, (temporal) => temporal.workflowService.describeNamespace({ namespace })),
      READY_MS,
    );
    await call(port, (temporal) => addMissingSearchAttributes(temporal, namespace, options.searchAttributes));
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function call(port: number, body: (temporal: Connection) => Promise<unknown>): Promise<void> {
  // gRPC waits a second after a refused connection, so it starts when there is something to connect to.
  await connectTo(port);
  const temporal = await Connection.connect({ address: `127.0.0.1:${port}`, connectTimeout: CALL_MS });
  try {
    await temporal.withDeadline(Date.now() + CALL_MS, () => body(temporal));
  } finally {
    await temporal.close();
  }
}
