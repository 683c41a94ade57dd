import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { FAILED, SECRETS, SUCCEEDED } from './encrypted-workflows.ts';

interface View {
  readonly workflowId: string;
  readonly view: 'timeline' | 'history' | 'user-metadata';
  /** Texts that the view has when it is complete. */
  readonly has: readonly (string | RegExp)[];
}

const BASE64 = /"[A-Za-z0-9+/]{80,}=*"/;

/** What is to be seen without a codec server, and with one that refuses. */
export const CIPHERTEXT: readonly View[] = [
  { workflowId: SUCCEEDED, view: 'timeline', has: [BASE64] },
  { workflowId: SUCCEEDED, view: 'history', has: ['Workflow Execution Completed'] },
  { workflowId: FAILED, view: 'timeline', has: ['encryption-key-id'] },
];

export const PLAIN_TEXT: readonly View[] = [
  { workflowId: SUCCEEDED, view: 'timeline', has: [SECRETS.input, SECRETS.result] },
  { workflowId: SUCCEEDED, view: 'history', has: [SECRETS.activity] },
  { workflowId: SUCCEEDED, view: 'user-metadata', has: [SECRETS.summary, SECRETS.details] },
  { workflowId: FAILED, view: 'timeline', has: [SECRETS.failure] },
];

/** A page of the Web UI asks for each of its payloads by itself. */
const SOON = { within: 60_000, every: 200 };

/** Opens each view; of what is secret it shows what was said, and nothing else. */
export async function expectToSee(page: Page, uiUrl: string, views: readonly View[]): Promise<void> {
  for (const { workflowId, view, has } of views) {
    await page.goto(`${uiUrl}/namespaces/default/workflows/${workflowId}`);
    await page.waitForURL(/\/timeline$/);
    await page.goto(page.url().replace(/[^/]+$/, view));
    const shown = await eventually(async () => {
      const all = await textOf(page);
      for (const text of has) expect(all).toMatch(text);
      return all;
    }, SOON);
    if (views !== CIPHERTEXT) continue;
    for (const secret of Object.values(SECRETS)) expect(shown).not.toContain(secret);
  }
}

/** Also of the frames in it: the Web UI shows summaries and details as Markdown, each in a frame of its own. */
async function textOf(page: Page): Promise<string> {
  const texts = await Promise.all(page.frames().map((frame) => frame.locator('body').innerText({ timeout: 5_000 })));
  return texts.join('\n');
}
