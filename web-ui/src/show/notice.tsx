// What is shown instead of data: why there is none, and what to do.
import './notice.css';
import type { ReactNode } from 'react';
import type { Failure } from '../wire/failure';

export function EmptyState({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty-state" data-testid="empty">
      <h2>{title}</h2>
      <div className="faint">{children}</div>
    </div>
  );
}

export function FailureNotice({ what, failure, retry }: { what: string; failure: Failure; retry?: () => void }) {
  return (
    <div className="failure" role="alert" data-testid="failure">
      <strong>{what}</strong>
      <div>{failure.text}</div>
      <div className="faint">{failure.next}</div>
      {retry && (
        <button type="button" className="plain-button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}
