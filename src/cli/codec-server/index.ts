import { once } from 'node:events';
import { Command } from 'commander';
import { createLogger } from '../../log.ts';
import { EXIT } from '../exit-codes.ts';
import { configOption, exits, parsePort, withExample } from '../options.ts';
import { stopOnSignals } from '../signals.ts';
import { readSettings } from './settings.ts';
import type { CodecServerOptions } from './settings.ts';

/** Runs the codec server until SIGTERM or SIGINT; requests under way are answered first. */
export async function codecServer(options: CodecServerOptions): Promise<number> {
  const { startCodecServer } = await import('../../codec-server/index.ts');
  const settings = await readSettings(options);
  const log = createLogger();
  const server = await startCodecServer({ ...settings, log });
  const { signal } = stopOnSignals();
  const { origins, namespaces } = settings;
  log.info({ url: server.url, origins, namespaces, keys: settings.keyring.ids }, 'the codec server listens');
  if (!signal.aborted) await once(signal, 'abort');
  log.info({ signal: String(signal.reason) }, 'the codec server stops');
  await server.close();
  return EXIT.ok;
}

export function codecServerCommand(): Command {
  const command = new Command('codec-server')
    .description("show encrypted payloads to Temporal's Web UI and CLI, for whoever has a token")
    .addOption(configOption())
    .option('--address <address>', 'where it listens (default: 127.0.0.1, this machine alone)')
    .option('--port <port>', 'the port; 0: a free one (default: 8234)', parsePort)
    .option(
      '--origin <origin>',
      'a Web UI whose pages may ask, such as https://temporal.example.com; repeatable',
      collect,
    )
    .option(
      '--namespace <name>',
      "a namespace whose payloads it decodes (default: Temporal's own); repeatable",
      collect,
    )
    .option('--token-file <file>', 'the file that holds the tokens (default: the variable LOCKKEEPER_CODEC_TOKEN)')
    .option('--tls-cert <file>', 'its certificate, PEM')
    .option('--tls-key <file>', 'the key of the certificate, PEM')
    .option('--plain-http', 'listen for other machines without TLS: behind a proxy that has it')
    .action(exits(codecServer));
  return withExample(command, 'lockkeeper codec-server --origin http://127.0.0.1:8233');
}

const collect = (one: string, before: readonly string[] = []): string[] => [...before, one];
