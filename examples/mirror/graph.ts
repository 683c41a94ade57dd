import { readdir } from 'node:fs/promises';
import { jobGraph } from 'lockkeeper';
import { listRepositories, mirrorRepository, writeReport } from './jobs.ts';
import type { Places } from './jobs.ts';

/** A list, a mirror of each repository, a report: one job each. */
export const mirrorAll = jobGraph({
  name: 'mirrorAll',
  taskQueue: 'mirrors',
  async nodes(graph, places: Places) {
    const list = graph.node('list', listRepositories, places);
    const mirrors = (await readdir(places.from)).map((repository) =>
      graph.node(`mirror ${repository}`, mirrorRepository, { repository, ...places }, { needs: [list] }),
    );
    const report = graph.node('report', writeReport, {
      listed: list.result,
      mirrored: mirrors.map((mirror) => mirror.result),
      to: places.to,
    });
    return report.result;
  },
});
