// What shapes, lines and colours of a canvas mean.
import { MARK_CHARACTERS, MARK_WORDS, type Mark } from './marks';

export function VerdictMark({ verdict, words = true }: { verdict: Mark; words?: boolean }) {
  return (
    <span>
      <span className={`mark mark-${verdict}`} aria-hidden={words}>
        {MARK_CHARACTERS[verdict]}
      </span>
      {words ? ` ${MARK_WORDS[verdict]}` : null}
    </span>
  );
}

export function Legend({ more }: { more: string }) {
  return (
    <span className="canvas-legend">
      <VerdictMark verdict="forwarded" />
      <VerdictMark verdict="audited" />
      <VerdictMark verdict="dropped" />
      <span>
        few <span className="drop-scale" aria-hidden /> all dropped
      </span>
      <span>{more}</span>
    </span>
  );
}
