// The views, by the names that people see, and what of them is there when they have something to show.
export interface View {
  readonly key: string;
  readonly name: string;
}

export const VIEWS: readonly View[] = [
  { key: 'overview', name: 'Overview' },
  { key: 'matrix', name: 'Matrix' },
  { key: 'map', name: 'Map' },
  { key: 'focus', name: 'Focus' },
  { key: 'flows', name: 'Flows' },
  { key: 'drops', name: 'Drops' },
  { key: 'policies', name: 'Policies' },
  { key: 'endpoints', name: 'Endpoints' },
  { key: 'nodes', name: 'Nodes' },
];
