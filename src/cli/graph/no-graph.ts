import type { GraphClient } from '../../client/graph-client.ts';
import { didYouMean } from '../../did-you-mean.ts';
import { LockkeeperError, isLockkeeperError } from '../../errors.ts';

/** The latest graphs, among which the one that was meant is looked for. */
const LATEST = 200;

/** Asks about a graph. @throws {LockkeeperError} GRAPH_NOT_FOUND, with the id that was probably meant */
export async function elseNoGraph<T>(id: string, graphs: GraphClient, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isLockkeeperError(error, 'GRAPH_NOT_FOUND')) throw error;
    const latest = await graphs.list({ limit: LATEST });
    const meant = didYouMean(
      id,
      latest.map((graph) => graph.id).filter((other) => other !== id),
    );
    if (meant === undefined) throw error;
    throw new LockkeeperError('GRAPH_NOT_FOUND', `there is no graph ${id}; did you mean \`${meant}\`?`, {
      cause: error,
    });
  }
}
