import { ApplicationFailure, workflowInfo } from '@temporalio/workflow';
import { isUndecodable } from './payload-converter.ts';

/**
 * A workflow that was started by hand with other input ends with words; without this its task would fail for ever.
 * @throws {ApplicationFailure} USAGE
 */
export function checkInput<T extends object>(
  input: T,
  fields: Partial<Record<keyof T, 'string' | 'number' | 'object'>>,
) {
  const { workflowType } = workflowInfo();
  const refuse = (found: string): never => {
    throw ApplicationFailure.nonRetryable(
      `${workflowType} was started with ${found}; it is started by lockkeeper alone: lockkeeper job start, lockkeeper graph start, lockkeeper deploy start`,
      'USAGE',
    );
  };
  const given: unknown = input;
  if (isUndecodable(given)) refuse(`input that cannot be decoded (${given.undecodable})`);
  if (typeof given !== 'object' || given === null) return refuse(`the input ${JSON.stringify(given)}`);
  for (const [field, type] of Object.entries(fields)) {
    if (typeof (given as Record<string, unknown>)[field] !== type)
      refuse(`an input without the ${String(type)} "${field}"`);
  }
}
