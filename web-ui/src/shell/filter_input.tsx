// The input of the filter: reads flags, completes them and their values, finds names.
import { useId, useState, type KeyboardEvent, type RefObject } from 'react';
import { withTerms } from '../filter/change';
import { parseFilter, printTerm, printTerms, type Problem } from '../filter/parse';
import { suggestFlags, suggestNames, suggestValues, typingOf, type Suggestion } from '../filter/suggest';
import { pictureNow } from '../model/use_picture';
import { usePlace } from '../place/use_place';
import { useHints } from './use_hints';

function suggestionsFor(text: string, hints: readonly string[]): Suggestion[] {
  const typing = typingOf(text);
  if (typing.mode === 'flag') return suggestFlags(typing);
  if (typing.mode === 'value') return suggestValues(typing, hints);
  if (typing.part === '') return [];
  return suggestNames(pictureNow().series, typing.part);
}

export function FilterInput({ input, filter }: { input: RefObject<HTMLInputElement | null>; filter: string }) {
  const [, go] = usePlace();
  const list = useId();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const [problems, setProblems] = useState<readonly Problem[]>([]);
  const typing = typingOf(text);
  const hints = useHints(open && typing.mode === 'value' ? typing.flag : '', typing.part);
  const suggestions = open ? suggestionsFor(text, hints) : [];

  const type = (next: string) => {
    setText(next);
    setChosen(-1);
    setProblems([]);
    setOpen(next !== '');
  };
  const submit = (line: string) => {
    const parsed = parseFilter(line);
    if (parsed.problems.length > 0) {
      setProblems(parsed.problems);
      return;
    }
    go({ filter: withTerms(filter, parsed.terms) });
    type('');
  };
  const take = (suggestion: Suggestion) => {
    if (suggestion.input !== undefined) {
      type(suggestion.input);
      input.current?.focus();
      return;
    }
    const before = typing.mode === 'any' ? '' : typing.before.replace(/--not\s*$/, '');
    submit([before, printTerm(suggestion.term!)].join(' '));
  };
  const pressed = (event: KeyboardEvent<HTMLInputElement>) => {
    const last = suggestions.length - 1;
    if (event.key === 'ArrowDown' && last >= 0) setChosen(chosen >= last ? -1 : chosen + 1);
    else if (event.key === 'ArrowUp' && last >= 0) setChosen(chosen < 0 ? last : chosen - 1);
    else if (event.key === 'Tab' && last >= 0 && !event.shiftKey) take(suggestions[Math.max(0, chosen)]!);
    else if (event.key === 'Enter') {
      const suggestion = suggestions[chosen] ?? (typing.mode === 'any' ? suggestions[0] : undefined);
      if (suggestion) take(suggestion);
      else submit(text);
    } else if (event.key === 'Escape') {
      if (open) setOpen(false);
      else event.currentTarget.blur();
    } else if (event.key === 'Backspace' && text === '') {
      const { terms } = parseFilter(filter);
      const last = terms.at(-1);
      if (!last) return;
      go({ filter: printTerms(terms.slice(0, -1)) });
      type(printTerm(last));
    } else return;
    event.preventDefault();
  };
  const showList = open && suggestions.length > 0;
  return (
    <div className="filter-input">
      <input
        ref={input}
        type="text"
        value={text}
        placeholder={filter === '' ? 'Filter: a name, or flags as tycho observe has them ( / )' : 'and …'}
        aria-label="Filter"
        role="combobox"
        aria-expanded={showList}
        aria-controls={list}
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 ? `${list}-${chosen}` : undefined}
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        data-testid="filter-input"
        onChange={(event) => type(event.target.value)}
        onPaste={(event) => {
          const pasted = event.clipboardData.getData('text').trim();
          if (text !== '' || !pasted.includes('--')) return;
          event.preventDefault();
          setText(pasted);
          submit(pasted);
        }}
        onKeyDown={pressed}
        onFocus={() => setOpen(text !== '')}
        onBlur={() => setOpen(false)}
      />
      {showList && (
        <ul className="filter-list" role="listbox" id={list} aria-label="Completions">
          {suggestions.map((suggestion, place) => (
            <li
              key={suggestion.text}
              id={`${list}-${place}`}
              role="option"
              aria-selected={place === chosen}
              onPointerDown={(event) => {
                event.preventDefault();
                take(suggestion);
              }}
            >
              <code>{suggestion.text}</code>
              <span className="faint">{suggestion.help}</span>
            </li>
          ))}
        </ul>
      )}
      {problems.length > 0 && (
        <div className="filter-refused" role="alert">
          {problems.map((problem) => (
            <div key={problem.at}>
              <code>{problem.at}</code>: {problem.reason}
            </div>
          ))}
        </div>
      )}
    </div>
  );
}
