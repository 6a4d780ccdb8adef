// A verdict by shape, colour and word: a disc passed, a diamond passed though a rule would drop it, a cross was dropped.
import './verdict.css';
import type { Verdict } from '../model/series';

const SHAPES: Readonly<Record<Verdict, string>> = {
  forwarded: 'M8 2a6 6 0 1 0 0 12a6 6 0 0 0 0-12z',
  audited: 'M8 1l7 7l-7 7l-7-7z',
  dropped: 'M3 1L8 6L13 1L15 3L10 8L15 13L13 15L8 10L3 15L1 13L6 8L1 3z',
};

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  forwarded: 'forwarded',
  audited: 'audited',
  dropped: 'dropped',
};

/** As flags and flows call it. */
export const VERDICT_FLAGS: Readonly<Record<Verdict, string>> = {
  forwarded: 'FORWARDED',
  audited: 'AUDIT',
  dropped: 'DROPPED',
};

export function VerdictMark({ verdict, label = true }: { verdict: Verdict; label?: boolean }) {
  return (
    <span className={`verdict verdict-${verdict}`}>
      <svg viewBox="0 0 16 16" width="10" height="10" aria-hidden="true">
        <path d={SHAPES[verdict]} fill="currentColor" />
      </svg>
      {label ? VERDICT_WORDS[verdict] : <span className="for-readers">{VERDICT_WORDS[verdict]}</span>}
    </span>
  );
}
