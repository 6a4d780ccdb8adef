// Which component draws a view. All but the first view are loaded when they are first shown.
import { lazy, type ComponentType, type LazyExoticComponent } from 'react';
import { OverviewView } from '../views/overview/overview_view';
import { VIEWS, type View } from '../place/place';

export const VIEW_NAMES: Readonly<Record<View, string>> = {
  overview: 'Overview',
  matrix: 'Matrix',
  map: 'Map',
  focus: 'Focus',
  flows: 'Flows',
  drops: 'Drops',
  policies: 'Policies',
  endpoints: 'Endpoints',
  nodes: 'Nodes',
};

type Loaded = Record<string, ComponentType>;
const views = import.meta.glob<Loaded>(['../views/*/*_view.tsx', '!../views/overview/*']);
const panels = import.meta.glob<Loaded>('../panels/*/*_panel.tsx');

function lazily(load: (() => Promise<Loaded>) | undefined, name: string): LazyExoticComponent<ComponentType> {
  return lazy(async () => ({ default: (await load?.())?.[name] ?? (() => null) }));
}

export const VIEW_COMPONENTS: Readonly<Record<View, ComponentType>> = {
  ...(Object.fromEntries(
    VIEWS.map((view) => [view, lazily(views[`../views/${view}/${view}_view.tsx`], `${VIEW_NAMES[view]}View`)]),
  ) as unknown as Record<View, ComponentType>),
  overview: OverviewView,
};

export const EdgePanel: ComponentType = lazily(panels['../panels/edge/edge_panel.tsx'], 'EdgePanel');
export const FlowPanel: ComponentType = lazily(panels['../panels/flow/flow_panel.tsx'], 'FlowPanel');
