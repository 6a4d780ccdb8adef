// A link for a colleague: to what is shown now, with its time fixed, so that they see the same.
import { useState } from 'react';
import { hrefOf, usePlace } from '../place/use_place';
import { pictureNow } from '../model/use_picture';

export function CopyLink() {
  const [place] = usePlace();
  const [said, setSaid] = useState('');
  const copy = async () => {
    const { rangeStartMs, rangeEndMs, empty } = pictureNow();
    const fixed =
      place.range.kind === 'absolute' || empty
        ? {}
        : { range: { kind: 'absolute', fromMs: rangeStartMs, toMs: rangeEndMs } as const };
    const href = hrefOf(fixed);
    try {
      await navigator.clipboard.writeText(href);
      setSaid('Copied');
    } catch {
      // Not every page may write to the clipboard; the reader can copy it themselves.
      window.prompt('The link', href);
    }
    setTimeout(() => setSaid(''), 1_500);
  };
  return (
    <button
      type="button"
      className="plain-button"
      data-testid="copy-link"
      title="Copies a link to this view, filter and time. The address bar has the same, with the time still running."
      onClick={() => void copy()}
    >
      {said || 'Link'}
    </button>
  );
}
