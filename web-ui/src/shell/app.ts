// The one model of this tab: it follows the address, and rests while nobody looks.
import { Live } from '../model/live';
import { pauses } from '../model/pause';
import { onPlace, placeNow } from '../place/use_place';
import { dashboard } from '../wire/client';
import { gently } from '../wire/gently';

/** A tab that nobody looks at for so long asks for nothing until somebody does. */
const REST_AFTER_MS = 5 * 60_000;

export const live = new Live(
  (request, signal) => gently(dashboard().watch(request, { signal })),
  (request, signal) => gently(dashboard().getWindows(request, { signal })),
);

export function togglePause(): void {
  live.pause(!pauses.get().paused);
}

export function startApp(): void {
  live.show(placeNow());
  onPlace(() => live.show(placeNow()));
  let rest: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener('visibilitychange', () => {
    clearTimeout(rest);
    if (document.hidden) rest = setTimeout(() => live.close(), REST_AFTER_MS);
    else live.show(placeNow());
  });
}
