import { loadClientConfigProfile, toClientOptions } from '@temporalio/envconfig';
import type { ClientConfigProfile, ClientConnectConfig } from '@temporalio/envconfig';
import { LockkeeperError, errorMessage } from '../errors.ts';
import { checkCertificates } from './certificates.ts';
import { readProfiles } from './temporal-toml.ts';

export interface TemporalConfig {
  readonly connectionOptions: ClientConnectConfig['connectionOptions'];
  readonly address: string;
  readonly namespace: string;
  /** Where each was found, for errors: `TEMPORAL_ADDRESS`, `profile prod of /etc/temporal.toml`, `the default`. */
  readonly from: {
    readonly address: string;
    readonly namespace: string;
    readonly apiKey: string;
    readonly tls: string;
  };
}

const ADDRESS = 'localhost:7233';
const NAMESPACE = 'default';

/**
 * Temporal's own environment configuration, checked: `TEMPORAL_…` variables, and a profile of `temporal.toml`. An empty
 * variable counts as not set, as CI systems pass on secrets that are not there.
 * @throws {LockkeeperError} TEMPORAL_CONFIG_INVALID, naming everything that is wrong
 * @example const { connectionOptions, namespace } = temporalConfig();
 */
export function temporalConfig(env: NodeJS.ProcessEnv = process.env): TemporalConfig {
  const set = setIn(env);
  const found = readProfiles(set);
  const profile = profileOf(found.text, set);
  const from = (variable: string, value: unknown, otherwise: string) =>
    set[variable] !== undefined ? variable : value !== undefined ? found.name : otherwise;
  const problems = [
    ...addressProblems(profile.address, from('TEMPORAL_ADDRESS', profile.address, '')),
    ...hostVerificationProblems(set),
    ...checkCertificates(profile.tls, (option) => {
      const variable = `TEMPORAL_TLS_${option.toUpperCase()}`;
      return set[variable] !== undefined ? variable : `tls.${option} of ${found.name}`;
    }),
  ];
  if (problems.length > 0) throw invalid(problems);
  const { connectionOptions, namespace = NAMESPACE } = toClientOptions(profile);
  const byTls = Object.keys(set).filter((name) => name.startsWith('TEMPORAL_TLS'));
  return {
    connectionOptions,
    address: connectionOptions.address ?? ADDRESS,
    namespace,
    from: {
      address: from('TEMPORAL_ADDRESS', profile.address, 'the default'),
      namespace: from('TEMPORAL_NAMESPACE', profile.namespace, 'the default'),
      apiKey: from('TEMPORAL_API_KEY', profile.apiKey, 'none is set'),
      tls: byTls.length > 0 ? byTls.join(', ') : profile.tls ? `tls of ${found.name}` : 'none is set',
    },
  };
}

const invalid = (problems: readonly string[]) =>
  new LockkeeperError(
    'TEMPORAL_CONFIG_INVALID',
    problems.length === 1
      ? `Temporal's configuration cannot be used: ${problems[0]!}`
      : `Temporal's configuration has ${problems.length} problems\n${problems.join('\n')}`,
  );

function setIn(env: NodeJS.ProcessEnv): Record<string, string> {
  // An empty TEMPORAL_GRPC_META_… means something: it removes a header.
  const set = (name: string, value: string | undefined) =>
    value !== undefined && (value !== '' || !name.startsWith('TEMPORAL_') || name.startsWith('TEMPORAL_GRPC_META_'));
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => set(...entry)));
}

function profileOf(text: string | undefined, set: Record<string, string>): ClientConfigProfile {
  const options = { overrideEnvVars: set };
  try {
    return text === undefined
      ? loadClientConfigProfile({ ...options, disableFile: true })
      : loadClientConfigProfile({ ...options, configSource: { data: text } });
  } catch (error) {
    throw invalid([errorMessage(error)]);
  }
}

function addressProblems(address: string | undefined, from: string): string[] {
  if (address === undefined || /^(\[[0-9a-f:.]+\]|[^\s:/@]+):\d{1,5}$/i.test(address)) return [];
  return [`${from} is ${JSON.stringify(address.replace(/\/\/[^/@]*@/, '//'))}, expected host:port such as ${ADDRESS}`];
}

/** The SDK would leave it out without a word. */
function hostVerificationProblems(set: Readonly<Record<string, string>>): string[] {
  const variable = 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION';
  if (!['1', 'true'].includes(set[variable] ?? '')) return [];
  return [
    `${variable} is set, and Temporal's TypeScript SDK cannot do that; trust the server's authority with TEMPORAL_TLS_SERVER_CA_CERT_PATH, or name the server as its certificate does with TEMPORAL_TLS_SERVER_NAME`,
  ];
}
