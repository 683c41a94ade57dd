import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { launchChromium } from '../../support/chromium.ts';
import { TOKEN, codecServer } from '../bench.ts';
import { encryptedWorkflows, temporalWithUi } from './encrypted-workflows.ts';
import { CIPHERTEXT, PLAIN_TEXT, expectToSee } from './web-ui-views.ts';

/** A browser on a busy machine. */
const PATIENCE = { timeout: 180_000 };

const temporal = await temporalWithUi();
const server = await codecServer({ namespaces: ['default'], origins: [temporal.uiUrl] });
const browser = await launchChromium();
beforeAll(() => encryptedWorkflows(temporal.address));

/** What a person does once in the Web UI: the glasses, the browser's own setting, the address, the credentials. */
async function nameCodecServer(page: Page): Promise<void> {
  await page.goto(temporal.uiUrl);
  await page.getByTestId('data-encoder-status').click();
  await page.getByText('Use my browser setting').click();
  await page.locator('#data-encoder-endpoint-input').fill(server.url);
  await page.getByText('Include cross-origin credentials').click();
  await page.getByRole('button', { name: 'Apply' }).click();
}

async function logIn(page: Page, token: string): Promise<string> {
  await page.goto(server.url);
  await page.getByLabel('Token of the codec server').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  const said = page.getByRole('status');
  await said.getByText(/./).waitFor();
  return said.innerText();
}

test('the Web UI shows ciphertext; after the login it shows what was encrypted', PATIENCE, async () => {
  const page = await browser.newPage({ viewport: { width: 1400, height: 1200 } });
  await expectToSee(page, temporal.uiUrl, CIPHERTEXT);

  await nameCodecServer(page);
  await expectToSee(page, temporal.uiUrl, CIPHERTEXT);
  expect(server.logged()).toContain('"status":401');

  expect(await logIn(page, `${TOKEN}x`)).toBe('the token is not one of those of the codec server');
  expect(await logIn(page, TOKEN)).toBe('This browser is logged in for 12 hours.');
  await expectToSee(page, temporal.uiUrl, PLAIN_TEXT);
});

test('a page of another origin learns nothing, though the browser is logged in', PATIENCE, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  expect(await logIn(page, TOKEN)).toBe('This browser is logged in for 12 hours.');
  // The same host on another port: the same site, so the browser sends the cookie along.
  const other = await codecServer();
  await page.goto(`${other.url}/health`);
  const found = await page.evaluate(async (url) => {
    const ask = (headers: Record<string, string>) =>
      fetch(`${url}/decode`, { method: 'POST', credentials: 'include', headers, body: '{"payloads":[]}' }).then(
        (answer) => answer.status,
        (error: Error) => error.message,
      );
    const simple = await ask({ 'content-type': 'text/plain' });
    return [simple, await ask({ 'content-type': 'application/json', 'x-namespace': 'default' })];
  }, server.url);
  expect(found).toEqual(['Failed to fetch', 'Failed to fetch']);
});
