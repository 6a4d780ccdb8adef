// What the flow table shows: the tail or a frozen copy of it, and older pages for the same filter and time.
import { useCallback, useEffect, useMemo, useState } from 'react';
import { parseFilter } from '../../filter/parse';
import { messageOf, selectionOf } from '../../filter/selection';
import { OlderFlows } from '../../flows/older_flows';
import { shownFlows } from '../../flows/shown_flows';
import type { TailState } from '../../model/flow_tail';
import { tails } from '../../model/live_state';
import { useStore } from '../../model/store';
import type { Place } from '../../place/place';
import { dashboard } from '../../wire/client';

function olderOf({ filter, range }: Place): OlderFlows {
  const flows = messageOf(selectionOf(parseFilter(filter).terms));
  const since =
    range.kind === 'absolute' ? range.fromMs : range.kind === 'last' ? Date.now() - range.seconds * 1000 : undefined;
  const until = range.kind === 'absolute' ? range.toMs : undefined;
  return new OlderFlows((request, signal) => dashboard().getFlowPage(request, { signal }), flows, since, until);
}

export function useFlows(place: Place) {
  const { filter, range, hide } = place;
  const tail = useStore(tails);
  const [held, setHeld] = useState<TailState>();
  const asked = JSON.stringify([filter, range]);
  const [older, setOlder] = useState(() => ({ asked, pages: olderOf(place) }));
  if (older.asked !== asked) {
    setOlder({ asked, pages: olderOf(place) });
    setHeld(undefined);
  }
  const { pages } = older;
  useEffect(() => {
    void pages.more();
    return () => pages.cancel();
  }, [pages]);
  const state = useStore(pages.store);
  const wanted = useMemo(() => {
    const { rules, notRules } = selectionOf(parseFilter(filter).terms);
    return { rules, notRules, hide };
  }, [filter, hide]);
  // While the detail of a row is open the rows stay where they are.
  const isOpen = place.flow !== undefined;
  if (isOpen && !held) setHeld(tail);
  const shownTail = held ?? tail;
  const isPast = range.kind === 'absolute';
  const shown = useMemo(
    () => shownFlows(isPast ? [] : shownTail.flows, state.flows, wanted),
    [isPast, shownTail, state.flows, wanted],
  );
  const hold = useCallback(
    (hold: boolean) => setHeld((before) => (hold || isOpen ? (before ?? tails.get()) : undefined)),
    [isOpen],
  );
  const more = useCallback(() => void pages.more(), [pages]);
  return {
    shown,
    older: state,
    more,
    hold,
    isHeld: held !== undefined,
    /** Flows that came since the table was held. */
    waiting: held ? tail.came - held.came : 0,
    skipped: isPast ? 0 : tail.skipped,
    matched: tail.came + tail.skipped,
  };
}
