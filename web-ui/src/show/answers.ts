// An answer of the server that a view asks for when it is shown and again from time to time.
import { useCallback, useEffect, useState } from 'react';
import { failureOf, type Failure } from '../wire/failure';

export interface Answer<T> {
  readonly value?: T;
  readonly failure?: Failure;
  readonly askedMs: number;
}

const AGAIN_MS = 5_000;

/** `ask` must stay the same function. The last answer stays while the next one is waited for, or fails. */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>): [Answer<T>, () => void] {
  const [answer, setAnswer] = useState<Answer<T>>({ askedMs: 0 });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const call = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const once = async () => {
      try {
        const value = await ask(call.signal);
        setAnswer({ value, askedMs: Date.now() });
      } catch (error) {
        if (call.signal.aborted) return;
        setAnswer((before) => ({ ...before, failure: failureOf(error) }));
      }
      if (!call.signal.aborted)
        timer = setTimeout(() => (document.hidden ? (timer = setTimeout(once, AGAIN_MS)) : void once()), AGAIN_MS);
    };
    void once();
    return () => {
      call.abort();
      clearTimeout(timer);
    };
  }, [ask, round]);
  return [answer, useCallback(() => setRound((round) => round + 1), [])];
}

/** Nodes that an answer has nothing from. */
export function missingNodes(statuses: readonly { readonly nodeNames: readonly string[] }[]): string[] {
  return [...new Set(statuses.flatMap((status) => status.nodeNames))].sort();
}
