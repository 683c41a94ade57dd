import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import proto, { type temporal } from '@temporalio/proto';

const { IndexedValueType } = proto.temporal.api.enums.v1;
/** gRPC's status for a query that names something unknown. */
const INVALID_ARGUMENT = 3;

/** As the Temporal CLI writes them. */
const TYPES: Readonly<Record<string, temporal.api.enums.v1.IndexedValueType>> = {
  Text: IndexedValueType.INDEXED_VALUE_TYPE_TEXT,
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
  Double: IndexedValueType.INDEXED_VALUE_TYPE_DOUBLE,
  Bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  Datetime: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
  KeywordList: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
};

/**
 * Adds what the namespace does not have yet, and returns when it can be used. The dev server's own `--search-attribute`
 * does nothing for a namespace that exists already, which is every start but the first.
 */
export async function addMissingSearchAttributes(
  connection: Connection,
  namespace: string,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const missing: [name: string, type: number][] = [];
  for (const [name, typeName] of Object.entries(wanted)) {
    const type = typeOf(name, typeName);
    const found = customAttributes[name];
    if (found === undefined) missing.push([name, type]);
    else if (found !== type) {
      throw new Error(
        `search attribute ${name} is ${IndexedValueType[found]} in namespace ${namespace}, not ${typeName}`,
      );
    }
  }
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: Object.fromEntries(missing) });
  for (const [name] of missing) await usable(connection, namespace, name);
}

function typeOf(name: string, type: string): temporal.api.enums.v1.IndexedValueType {
  const found = TYPES[type];
  if (found === undefined) {
    throw new Error(`search attribute ${name} has type "${type}", expected one of ${Object.keys(TYPES).join(', ')}`);
  }
  return found;
}

/** The server reads its namespaces again only every few seconds; until then it refuses the new name. */
async function usable(connection: Connection, namespace: string, name: string): Promise<void> {
  for (;;) {
    try {
      await connection.workflowService.countWorkflowExecutions({ namespace, query: `${name} IS NOT NULL` });
      return;
    } catch (error) {
      // The caller's deadline is what ends this.
      if ((error as { code?: number }).code !== INVALID_ARGUMENT) throw error;
    }
    await sleep(100);
  }
}
