// A value that can be clicked to include or exclude it.
import './value.css';
import type { ReactNode } from 'react';
import { openPick, type Pick } from './pick';

export function Value({ pick, children, className = '' }: { pick: Pick; children?: ReactNode; className?: string }) {
  if (pick.choices.length === 0 && !pick.focus) return <span className={className}>{children ?? pick.text}</span>;
  return (
    <button
      type="button"
      className={`value ${className}`}
      title={`${pick.text}: include or exclude`}
      aria-haspopup="menu"
      onClick={(event) => {
        event.stopPropagation();
        openPick.set({ pick, anchor: event.currentTarget });
      }}
    >
      {children ?? pick.text}
    </button>
  );
}
