/** How the commands are typed with each package manager. */
export interface PackageManager {
  readonly name: string;
  readonly lockfile: string;
  readonly install: string;
  /** Installs in CI exactly what the lockfile says. */
  readonly installLocked: string;
  /** Runs a script of package.json. */
  readonly run: string;
  /** Runs a command of an installed package. */
  readonly exec: string;
}

/** npm first: it is there wherever Node is. */
export const MANAGERS = [
  {
    name: 'npm',
    lockfile: 'package-lock.json',
    install: 'npm install',
    installLocked: 'npm ci',
    run: 'npm run',
    exec: 'npx',
  },
  {
    name: 'pnpm',
    lockfile: 'pnpm-lock.yaml',
    install: 'pnpm install',
    installLocked: 'corepack enable && pnpm install --frozen-lockfile',
    run: 'pnpm run',
    exec: 'pnpm exec',
  },
  {
    name: 'yarn',
    lockfile: 'yarn.lock',
    install: 'yarn install',
    installLocked: 'corepack enable && yarn install --frozen-lockfile',
    run: 'yarn run',
    exec: 'yarn run',
  },
] as const satisfies readonly PackageManager[];
