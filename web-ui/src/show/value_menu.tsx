// The one menu of all values: only this, also this, not this, focus, copy.
import { useEffect, useLayoutEffect, useRef } from 'react';
import { onlyTerm, withTerms } from '../filter/change';
import { parseFilter, printTerms } from '../filter/parse';
import { useStore } from '../model/store';
import { usePlace } from '../place/use_place';
import { openPick, termOf, type OpenPick } from './pick';

interface Item {
  readonly name: string;
  readonly run: () => void;
}

function itemsOf({ pick }: OpenPick, filter: string, go: ReturnType<typeof usePlace>[1]): Item[] {
  const { terms } = parseFilter(filter);
  const items: Item[] = [];
  for (const [place, choice] of pick.choices.entries()) {
    const as = pick.choices.length > 1 ? ` (${choice.name})` : '';
    const term = termOf(choice, false);
    items.push({ name: `Only this${as}`, run: () => go({ filter: onlyTerm(filter, term) }) });
    if (terms.some((one) => one.flag === choice.flag && !one.not && one.value !== choice.value)) {
      items.push({ name: `Also this${as}`, run: () => go({ filter: withTerms(filter, [term]) }) });
    }
    if (place === 0) {
      // All --not flags are one exclusion: it leaves out what matches each of them.
      const others = terms.filter((one) => one.not && one.flag !== choice.flag);
      const where = printTerms(others.map((one) => ({ ...one, not: false })));
      const not = { ...term, not: true };
      items.push({
        name: others.length === 0 ? `Not this${as}` : `Not this${as} where ${where}`,
        run: () => go({ filter: withTerms(filter, [not]) }),
      });
      if (others.length > 0) {
        const kept = printTerms(terms.filter((one) => !others.includes(one)));
        items.push({ name: `Not this${as} instead`, run: () => go({ filter: withTerms(kept, [not]) }) });
      }
    }
  }
  if (pick.focus) items.push({ name: 'Callers and callees', run: () => go({ view: 'focus', focus: pick.focus }) });
  items.push({ name: 'Copy', run: () => void navigator.clipboard?.writeText(pick.choices[0]?.value ?? pick.text) });
  return items;
}

export function ValueMenu() {
  const open = useStore(openPick);
  return open ? <Menu key={open.pick.text} open={open} /> : null;
}

function Menu({ open }: { open: OpenPick }) {
  const [place, go] = usePlace();
  const menu = useRef<HTMLDivElement>(null);
  const items = itemsOf(open, place.filter, go);

  useLayoutEffect(() => {
    const element = menu.current!;
    const anchor = open.anchor.getBoundingClientRect();
    const { width, height } = element.getBoundingClientRect();
    const below = anchor.bottom + height + 4 <= window.innerHeight;
    element.style.left = `${Math.max(8, Math.min(anchor.left, window.innerWidth - width - 8))}px`;
    element.style.top = `${below ? anchor.bottom + 3 : Math.max(8, anchor.top - height - 3)}px`;
    element.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  }, [open]);

  useEffect(() => {
    const outside = (event: Event) => {
      if (!menu.current?.contains(event.target as Node)) openPick.set(undefined);
    };
    document.addEventListener('pointerdown', outside, true);
    document.addEventListener('scroll', outside, true);
    return () => {
      document.removeEventListener('pointerdown', outside, true);
      document.removeEventListener('scroll', outside, true);
    };
  }, []);

  const close = () => {
    openPick.set(undefined);
    if (open.anchor.isConnected) open.anchor.focus();
  };
  const step = (by: number) => {
    const all = [...menu.current!.querySelectorAll<HTMLElement>('[role=menuitem]')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    all[(at + by + all.length) % all.length]?.focus();
  };
  return (
    <div
      ref={menu}
      className="value-menu"
      role="menu"
      tabIndex={-1}
      aria-label={`What to do with ${open.pick.text}`}
      onKeyDown={(event) => {
        if (event.key === 'Escape' || event.key === 'Tab') close();
        else if (event.key === 'ArrowDown') step(1);
        else if (event.key === 'ArrowUp') step(-1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    >
      <div className="value-menu-title">{open.pick.text}</div>
      {items.map((item) => (
        <button
          key={item.name}
          type="button"
          role="menuitem"
          onClick={() => {
            close();
            item.run();
          }}
        >
          {item.name}
        </button>
      ))}
    </div>
  );
}
