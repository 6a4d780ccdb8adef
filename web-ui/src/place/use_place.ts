// The place of the page, kept in the address: back, forward and links need nothing else.
import { useSyncExternalStore } from 'react';
import { fromQuery, toQuery } from './address';
import type { Place } from './place';

let current: { query: string; place: Place } | undefined;
const listeners = new Set<() => void>();

export function placeNow(): Place {
  const query = globalThis.location.search;
  if (current?.query !== query) current = { query, place: fromQuery(query) };
  return current.place;
}

export function onPlace(listener: () => void): () => void {
  if (listeners.size === 0) globalThis.addEventListener('popstate', tell);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) globalThis.removeEventListener('popstate', tell);
  };
}

function tell(): void {
  for (const listener of [...listeners]) listener();
}

/** The address of the place with a change, for links. */
export function hrefOf(change: Partial<Place>): string {
  return new URL(toQuery({ ...placeNow(), ...change }) || '.', document.baseURI).href;
}

export function go(change: Partial<Place>, options: { replace?: boolean } = {}): void {
  const href = hrefOf(change);
  if (href === globalThis.location.href) return;
  if (options.replace) globalThis.history.replaceState(null, '', href);
  else globalThis.history.pushState(null, '', href);
  tell();
}

export function usePlace(): [Place, typeof go] {
  return [useSyncExternalStore(onPlace, placeNow), go];
}
