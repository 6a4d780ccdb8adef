// The top line: where one is, where one can go, and how the page stands to its server.
import './header.css';
import { useState } from 'react';
import { useStore } from '../model/store';
import { VIEWS } from '../place/place';
import { go, hrefOf, usePlace } from '../place/use_place';
import { CopyLink } from './copy_link';
import { LinkState } from './link_state';
import { switchTheme, themes } from './theme';
import { VIEW_NAMES } from './view_components';

export function Header({ openHelp }: { openHelp: () => void }) {
  const [place] = usePlace();
  const theme = useStore(themes);
  const [open, setOpen] = useState(false);
  return (
    <header className="header">
      <span className="header-brand">Tycho</span>
      <button
        type="button"
        className="plain-button header-menu"
        aria-expanded={open}
        aria-controls="views"
        onClick={() => setOpen(!open)}
      >
        {VIEW_NAMES[place.view]} ▾
      </button>
      <nav id="views" className={open ? 'header-nav header-nav-open' : 'header-nav'} aria-label="Views">
        {VIEWS.map((view) => (
          <a
            key={view}
            href={hrefOf({ view, sort: '' })}
            aria-current={place.view === view ? 'page' : undefined}
            onClick={(event) => {
              if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
              event.preventDefault();
              setOpen(false);
              go({ view, sort: '' });
            }}
          >
            {VIEW_NAMES[view]}
          </a>
        ))}
      </nav>
      <span className="header-space" />
      <LinkState />
      <CopyLink />
      <button
        type="button"
        className="plain-button header-icon"
        aria-label={theme === 'dark' ? 'Light colours' : 'Dark colours'}
        title={theme === 'dark' ? 'Light colours (t)' : 'Dark colours (t)'}
        onClick={switchTheme}
      >
        {theme === 'dark' ? '☀' : '☾'}
      </button>
      <button
        type="button"
        className="plain-button header-icon"
        aria-label="Help and keys"
        title="Help and keys (?)"
        onClick={openHelp}
      >
        ?
      </button>
    </header>
  );
}
