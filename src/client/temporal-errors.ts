import { LockkeeperError, errorMessage } from '../errors.ts';
import { diagnose } from './diagnose.ts';
import type { Diagnosis } from './diagnose.ts';
import type { TemporalConfig } from './temporal-config.ts';

/** gRPC statuses. */
const NOT_FOUND = 5;
const REFUSALS = [7, 16];

export function grpcStatus(error: unknown): number | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'number') return at.code;
  }
  return undefined;
}

/** Why there is no connection to Temporal, as an error that says where each setting came from. */
export async function connectError(error: unknown, config: TemporalConfig): Promise<LockkeeperError> {
  const { address, namespace, from } = config;
  const where = `Temporal at ${address} (${from.address})`;
  const status = grpcStatus(error);
  if (REFUSALS.includes(status ?? -1)) {
    const key = from.apiKey === 'none is set' ? 'no API key is set' : `the API key is that of ${from.apiKey}`;
    return new LockkeeperError('TEMPORAL_DENIED', `${where} refuses us, ${key}: ${said(error, config)}`, {
      next: `Correct ${from.apiKey === 'none is set' ? 'TEMPORAL_API_KEY' : from.apiKey}, or what it may do`,
    });
  }
  if (status === NOT_FOUND) {
    return new LockkeeperError(
      'TEMPORAL_NAMESPACE_MISSING',
      `${where} has no namespace ${namespace} (${from.namespace})`,
      { next: `Correct TEMPORAL_NAMESPACE, or create it: temporal operator namespace create -n ${namespace}` },
    );
  }
  const diagnosis = await diagnose(config);
  if (diagnosis.kind !== 'nothing') return connectionError(diagnosis, config);
  return unreachable(`${where} does not answer as Temporal does: ${said(error, config)}`);
}

/** What was found wrong with the connection itself. */
export function connectionError({ kind, found }: Diagnosis, { address, from }: TemporalConfig): LockkeeperError {
  const where = `Temporal at ${address} (${from.address})`;
  if (kind !== 'tls') return unreachable(`${where} ${found}`);
  return new LockkeeperError('TEMPORAL_TLS', `${where} ${found}. TLS is configured by: ${from.tls}`, {
    next: 'Set TEMPORAL_TLS_CLIENT_CERT_PATH and …_CLIENT_KEY_PATH for a client certificate, TEMPORAL_TLS_SERVER_CA_CERT_PATH to trust the server, TEMPORAL_TLS=true or false for TLS or none',
  });
}

const unreachable = (message: string) =>
  new LockkeeperError('TEMPORAL_UNREACHABLE', message, {
    next: 'Start it (`lockkeeper dev` brings one), or set TEMPORAL_ADDRESS',
  });

/** A server might say our key back to us. */
function said(error: unknown, { connectionOptions: { apiKey } }: TemporalConfig): string {
  const text = errorMessage(error);
  return typeof apiKey === 'string' && apiKey !== '' ? text.replaceAll(apiKey, '(the API key)') : text;
}
