// Values of a flag that the server knows, asked for when typing rests.
import { useEffect, useState } from 'react';
import { hintKindOf } from '../filter/suggest';
import { dashboard } from '../wire/client';

const REST_MS = 120;
const NONE: readonly string[] = [];

export function useHints(flag: string, part: string): readonly string[] {
  const [told, setTold] = useState({ asked: '', values: NONE });
  const asked = `${flag} ${part}`;
  useEffect(() => {
    const kind = flag === '' ? undefined : hintKindOf(flag);
    if (kind === undefined) return;
    const call = new AbortController();
    const timer = setTimeout(() => {
      dashboard()
        .getHints({ kind, part, most: 12 }, { signal: call.signal })
        .then((answer) => setTold({ asked: `${flag} ${part}`, values: answer.values }))
        // Hints only help to type; what is wrong with the server is said elsewhere.
        .catch(() => undefined);
    }, REST_MS);
    return () => {
      clearTimeout(timer);
      call.abort();
    };
  }, [flag, part]);
  return told.asked === asked ? told.values : NONE;
}
