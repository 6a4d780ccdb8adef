// Listens to the keyboard, except where text is typed.
import { useEffect } from 'react';
import { Keys, type Action } from './keys';

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && target.closest('input, textarea, select, [contenteditable], [role=menu]') !== null
  );
}

export function useKeys(run: (action: Action) => void): void {
  useEffect(() => {
    const keys = new Keys();
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const action = keys.press(event.key);
      if (!action) return;
      if (action.do !== 'close') event.preventDefault();
      run(action);
    };
    document.addEventListener('keydown', pressed);
    return () => document.removeEventListener('keydown', pressed);
  }, [run]);
}
