import { fileURLToPath } from 'node:url';
import { EFFECT_TABLE } from '../app/count-job.ts';
import { isDeployNotice } from '../../src/notices/notice.ts';
import type { DeployNotice } from '../../src/notices/notice.ts';
import { atEnd } from '../support/at-end.ts';
import { Authority } from '../support/certificates.ts';
import { Processes } from '../support/processes.ts';
import type { TestProcess } from '../support/processes.ts';
import { openScene } from '../support/scene.ts';
import type { Scene } from '../support/scene.ts';
import { Mailbox, PASSWORD } from './mailbox.ts';
import { SECRET, WebReceiver } from './web-receiver.ts';

export const CONFIG = fileURLToPath(new URL('lockkeeper.yaml', import.meta.url));

/** Real workers, deploy workers and commands, with real receivers of what they tell. */
export class NoticePlace {
  readonly scene: Scene;
  readonly hook: WebReceiver;
  readonly hanging: WebReceiver;
  readonly slack: WebReceiver;
  readonly mailbox: Mailbox;
  readonly started: TestProcess[] = [];
  readonly #config: string;
  readonly #env: Record<string, string>;
  readonly #processes = new Processes();

  private constructor(
    config: string,
    scene: Scene,
    hook: WebReceiver,
    hanging: WebReceiver,
    slack: WebReceiver,
    mailbox: Mailbox,
  ) {
    this.#config = config;
    this.scene = scene;
    this.hook = hook;
    this.hanging = hanging;
    this.slack = slack;
    this.mailbox = mailbox;
    this.#env = {
      ...scene.temporal.env,
      DATABASE_URL: scene.ledger.databaseUrl,
      HOOK_URL: hook.url,
      HOOK_SECRET: SECRET,
      HANGING_URL: hanging.url,
      SLACK_URL: slack.url,
      SMTP_URL: mailbox.url('?tls.rejectUnauthorized=false'),
      LOG_LEVEL: 'debug',
    };
  }

  /** For one test, or a file when opened at its top level; everything is killed at its end. */
  static async open(config = CONFIG): Promise<NoticePlace> {
    const scene = await openScene();
    await scene.ledger.pool.query(EFFECT_TABLE);
    const certified = await (await Authority.make('notices')).sign('mailbox');
    const web = () => WebReceiver.open();
    const place = new NoticePlace(
      config,
      scene,
      await web(),
      await web(),
      await web(),
      await Mailbox.open({ certified }),
    );
    place.hanging.answer = () => undefined;
    atEnd(() => place.started.forEach((one) => one.kill('SIGKILL')));
    return place;
  }

  /** A command, with the config. */
  run(args: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess {
    return this.ask(args.includes('--config') ? args : [...args, '--config', this.#config], env);
  }

  /** A command that knows no config. */
  ask(args: readonly string[], env: NodeJS.ProcessEnv = {}): TestProcess {
    return this.#processes.node('dist-with-failpoints/cli/main.js', args, { env: { ...this.#env, ...env } });
  }

  async start(command: 'worker' | 'deploy-worker', env: NodeJS.ProcessEnv = {}): Promise<TestProcess> {
    const started = this.run([command], env);
    this.started.push(started);
    await started.waitForLine(/worker ready/, { within: 60_000 });
    return started;
  }

  /** What the webhook was told of a job, in the order in which it came. */
  told(job: string): { readonly type: string; readonly id: string; readonly reason: string | undefined }[] {
    return this.hook.notices.flatMap(({ type, id, data }) =>
      'job' in data && data.job.id === job ? [{ type, id, reason: data.job.reason }] : [],
    );
  }

  /** What the webhook was told of a deploy, in the order in which it came. */
  toldOfDeploy(deploy: string): DeployNotice[] {
    return this.hook.notices.filter(isDeployNotice).filter(({ data }) => data.deploy.id === deploy);
  }

  /** What nobody may read anywhere, in the forms in which it could leak. */
  get secrets(): string[] {
    return [
      SECRET,
      SECRET.slice('whsec_'.length),
      't0ken-in-the-path',
      PASSWORD,
      encodeURIComponent(PASSWORD),
      Buffer.from(PASSWORD).toString('hex'),
    ];
  }
}
