// The typed graph has the same sums as the groups that tables show.
import { expect, test } from 'vitest';
import { pictures } from '../../browser/canvas_bench/synthetic_picture';
import { groupSeries, type Grouping } from '../model/group_series';
import { rangeSeconds } from '../model/picture';
import { graphOf } from './graph_of';

const next = pictures(60, 300);

test.each<[Grouping, string[]]>([
  [{ by: 'identity' }, []],
  [{ by: 'namespace' }, []],
  [{ by: 'namespace' }, ['ns:team-1']],
  [{ by: 'workload' }, []],
  [{ by: 'label', key: 'app' }, ['lb:service-1']],
])('%o, %j open', (grouping, expanded) => {
  for (let round = 0; round < 2; round += 1) {
    const picture = next();
    picture.matches.fill(0, 10, 20);
    const graph = graphOf(picture, grouping, expanded, 'bytes');
    const grouped = groupSeries(picture, grouping, expanded);
    expect(graph.nodes.map(({ key }) => key)).toEqual(grouped.groups.map(({ key }) => key));
    grouped.edges.forEach((edge, at) => {
      expect(graph.nodes[graph.source[at]!]!.key).toBe(edge.source.key);
      expect(graph.nodes[graph.destination[at]!]!.key).toBe(edge.destination.key);
      for (const verdict of ['forwarded', 'audited', 'dropped'] as const) {
        expect(graph[verdict][at]).toBeCloseTo(edge[verdict].bytes / rangeSeconds(picture), 6);
      }
    });
    const inside = graph.nodes.filter((node) => node.collapsible);
    expect(inside.length > 0).toBe(expanded.length > 0);
    for (const node of inside) expect(expanded).toContain(node.block);
  }
});
