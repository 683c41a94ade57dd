import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refuseGraph } from '../../src/protocol.ts';
import type { NodeSpec } from '../../src/protocol.ts';

const node = (name: string, needs: readonly string[] = [], more: Partial<NodeSpec> = {}): NodeSpec => ({
  name,
  job: 'j',
  taskQueue: 'q',
  needs,
  ...more,
});
const refused = (nodes: unknown, output?: unknown) => refuseGraph({ nodes, output }, 'g');
const resultOf = (name: string) => ({ lockkeeperResultOf: name });
const nested = (depth: number): unknown => (depth === 0 ? 'x' : [nested(depth - 1)]);

test('a graph that can be run', () => {
  expect(
    refused(
      [node('b', ['a'], { input: { of: [resultOf('a')] } }), node('a'), node('mirror of http://x/y.git')],
      resultOf('b'),
    ),
  ).toBeUndefined();
});

describe('cannot be run', () => {
  test.each([
    [
      [node('a', ['b']), node('b', ['c']), node('c', ['a']), node('d', ['a'])],
      'its nodes need each other in a circle: `a` needs `b` needs `c` needs `a`',
    ],
    [
      [node('x', ['a']), node('a', ['b']), node('b', ['a'])],
      'its nodes need each other in a circle: `a` needs `b` needs `a`',
    ],
    [[node('a', ['a'])], 'its nodes need each other in a circle: `a` needs `a`'],
    [
      [node('mirror a'), node('b', ['miror a'])],
      'node `b` needs `miror a`, which is not there; did you mean `mirror a`?',
    ],
    [[node('a', ['zzz'])], 'node `a` needs `zzz`, which is not there'],
    [[node('a'), node('a')], 'two nodes are named `a`'],
    [[], 'it has no nodes'],
    [Array.from({ length: 1_001 }, (_, i) => node(`${i}`)), 'it has 1001 nodes, at most 1000 are possible'],
    [[node('')], 'node "": its name is empty'],
    [[node(' a')], 'node " a": its name begins or ends with a space'],
    [[node('a\nb')], 'node "a\\nb": its name has control characters or half characters in it'],
    [[node('\ud800')], 'node "\\ud800": its name has control characters or half characters in it'],
    [[node('é'.repeat(101))], `node "${'é'.repeat(101)}": its name has 202 bytes, at most 200 are possible`],
    [[node('a'), node('b', [], { input: resultOf('a') })], 'node `b` takes the result of `a` and does not need it'],
    [[node('a', [], { input: nested(102) })], 'the input of node `a` is nested deeper than 100'],
    ['nodes', 'its nodes are no list'],
    [[null], 'node 1: it is null, not a node'],
    [[{}], 'node 1: it has no name'],
    [[node('a', [], { job: 7 as never })], 'node "a": it has no job'],
    [[node('a', [], { taskQueue: '' })], 'node "a": it has no task queue'],
    [[node('a', 'b' as never)], 'node "a": `needs` is not a list of names of nodes'],
    [[node('a', [], { inputHash: 7 as never })], 'node "a": `inputHash` is not a string'],
    [
      [node('a', [], { heartbeatTimeoutMs: -1 })],
      'node "a": `heartbeatTimeoutMs` is not a whole number of milliseconds',
    ],
  ])('%#: %o', (nodes, words) => {
    expect(refused(nodes)).toBe(words);
  });

  test('what it gives is there', () => {
    expect(refused([node('report')], { of: resultOf('raport') })).toBe(
      'it gives the result of `raport`, which is not there; did you mean `report`?',
    );
    expect(refused([node('a')], nested(102))).toBe('what it gives is nested deeper than 100');
  });

  test('id and name become the id of a workflow, which has an end', () => {
    expect(refuseGraph({ nodes: [node('abc')] }, 'g'.repeat(996))).toBeUndefined();
    expect(refuseGraph({ nodes: [node('abc')] }, 'g'.repeat(998))).toBe(
      'node "abc": its name and the id of the graph are too long together by 2 bytes',
    );
  });

  test.each(['deploy-run', 'deploy-step', 'deploy-coordinator', 'deploy-run/x'])(
    'its jobs are no workflows of deploys, as they would be below %s',
    (id) => {
      expect(refuseGraph({ nodes: [node('production')] }, id)).toBe(
        `its jobs would stand among the workflows of deploys: the id of a graph is not \`${id}\``,
      );
      expect(refuseGraph({ nodes: [node('production')] }, `${id.replace('/', '-')}s`)).toBeUndefined();
    },
  );

  test('anything at all, started by hand: words, never a throw', () => {
    const nodeLike = fc.record(
      { name: fc.anything(), job: fc.anything(), taskQueue: fc.anything(), needs: fc.anything(), input: fc.anything() },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.array(fc.oneof(nodeLike, fc.anything()))),
        fc.anything(),
        (nodes, output) => {
          expect(['string', 'undefined']).toContain(typeof refuseGraph({ nodes, output }, 'g'));
        },
      ),
    );
  });
});
