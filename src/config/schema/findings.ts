import type { z } from 'zod';
import type { Finding } from '../problems.ts';
import type { Source } from '../source.ts';
import { configSchema } from './config.ts';
import type { ParsedConfig } from './config.ts';
import type { IssueParams } from './values.ts';

export type Checked = { readonly parsed: ParsedConfig } | { readonly findings: readonly Finding[] };

/** Checks the shape of every option. */
export function checkShape(source: Source): Checked {
  const result = configSchema.safeParse(source.value);
  return result.success
    ? { parsed: result.data }
    : { findings: result.error.issues.flatMap((issue) => findings(issue, source)) };
}

function findings(issue: z.core.$ZodIssue, source: Source): Finding[] {
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, i) => ({ path: [...issue.path, key], atKey: true, message: messages[i]! }));
  }
  const { path, message: expected } = issue;
  const params = issue.code === 'custom' ? (issue.params as IssueParams | undefined) : undefined;
  if (params?.atKey === true) {
    return [{ path, atKey: true, message: `expected ${expected}, found ${JSON.stringify(path.at(-1))}` }];
  }
  if (!source.has(path)) return [{ path, message: `missing, expected ${expected}` }];
  return [{ path, message: `expected ${expected}, found ${params?.found ?? source.shown(path)}` }];
}
