// What shapes, lines and colours of a canvas mean.
import { VERDICTS } from '../model/series';
import { VerdictMark } from '../show/verdict';

export function Legend({ more }: { more: string }) {
  return (
    <span className="canvas-legend">
      {VERDICTS.map((verdict) => (
        <VerdictMark key={verdict} verdict={verdict} />
      ))}
      <span>
        few <span className="drop-scale" aria-hidden /> all dropped
      </span>
      <span>{more}</span>
    </span>
  );
}
