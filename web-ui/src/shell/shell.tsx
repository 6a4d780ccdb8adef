// The frame of all views: header, filter, status, the view itself, and what lies over it.
import './shell.css';
import { Component, Suspense, useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { useStore } from '../model/store';
import { go, placeNow, usePlace } from '../place/use_place';
import { openPick } from '../show/pick';
import { ValueMenu } from '../show/value_menu';
import { togglePause } from './app';
import { toggleDrops } from './drops_only';
import { FilterBar } from './filter_bar';
import { Header } from './header';
import { HelpDialog } from './help_dialog';
import type { Action } from './keys';
import { StatusStrip } from './status_strip';
import { switchTheme } from './theme';
import { useKeys } from './use_keys';
import { EdgePanel, FlowPanel, VIEW_COMPONENTS, VIEW_NAMES } from './view_components';

/** A view that fails takes neither the page nor the others with it. */
class Guard extends Component<{ children: ReactNode; name: string }, { error: Error | undefined }> {
  override state: { error: Error | undefined } = { error: undefined };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return (
      <div className="failure" role="alert">
        <strong>{this.props.name} cannot be shown</strong>
        <div>{error.message}</div>
        <div className="faint">
          A newer version may have been installed on the server. Load the page again; the address keeps what you looked
          at.
        </div>
        <button type="button" className="plain-button" onClick={() => location.reload()}>
          Load again
        </button>
      </div>
    );
  }
}

export function Shell() {
  const [place] = usePlace();
  const [help, setHelp] = useState(false);
  const filter = useRef<HTMLInputElement>(null);
  const isPickOpen = useStore(openPick) !== undefined;

  const run = useCallback((action: Action) => {
    switch (action.do) {
      case 'filter':
        filter.current?.focus();
        break;
      case 'pause':
        togglePause();
        break;
      case 'drops':
        toggleDrops();
        break;
      case 'theme':
        switchTheme();
        break;
      case 'help':
        setHelp(true);
        break;
      case 'view':
        go({ view: action.view, sort: '' });
        break;
      case 'close':
        if (placeNow().flow || placeNow().edge) go({ flow: undefined, edge: undefined });
        break;
    }
  }, []);
  useKeys(run);

  const View = VIEW_COMPONENTS[place.view];
  const name = VIEW_NAMES[place.view];
  useEffect(() => {
    document.title = `${name} · Tycho`;
  }, [name]);
  return (
    <div className="shell">
      <a
        className="skip-link"
        href="#view"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('view')?.focus();
        }}
      >
        Skip to the view
      </a>
      <Header openHelp={() => setHelp(true)} />
      <FilterBar input={filter} />
      <StatusStrip />
      <div className="shell-body">
        <main id="view" tabIndex={-1} aria-label={name} data-testid={`view-${place.view}`}>
          <h1 className="for-readers">{name}</h1>
          <Guard key={place.view} name={name}>
            <Suspense fallback={<p className="faint shell-loading">Loading {name} …</p>}>
              <View />
            </Suspense>
          </Guard>
        </main>
        {place.edge && (
          <Guard name="The edge">
            <Suspense fallback={null}>
              <EdgePanel />
            </Suspense>
          </Guard>
        )}
        {place.flow && (
          <Guard name="The flow">
            <Suspense fallback={null}>
              <FlowPanel />
            </Suspense>
          </Guard>
        )}
      </div>
      {isPickOpen && <ValueMenu />}
      {help && <HelpDialog close={() => setHelp(false)} />}
    </div>
  );
}
