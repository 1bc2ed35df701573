import { useId, useRef, useState, type KeyboardEvent } from "react";

import {
  completed,
  existsSuggestions,
  hasValues,
  nameSuggestions,
  placeAt,
  valueSuggestions,
  type Suggestion,
} from "./completion";
import { useAbout, useValues } from "./data";
import type { Period, View } from "./view";

/** The query line, with completion of fields and of their values in the view. */
export function QueryLine({ view, period, onQuery }: { view: View; period: Period; onQuery: (q: string) => void }) {
  const [draft, setDraft] = useState(view.q);
  const [caret, setCaret] = useState<number | null>(null); // null: no completion is wanted
  const [active, setActive] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const listId = useId();
  const about = useAbout();

  // A query that comes from elsewhere, such as a saved view, takes the place of what was typed.
  const [shown, setShown] = useState(view.q);
  if (shown !== view.q) {
    setShown(view.q);
    setDraft(view.q);
  }

  const fields = about.data?.fields ?? [];
  const place = caret === null ? null : placeAt(draft, caret);
  const field = place?.field ?? null;
  const values = useValues(hasValues(field, fields) ? field : null, place?.typed ?? "", view, period);
  let suggestions: Suggestion[] = [];
  if (place !== null) {
    if (field === null) suggestions = nameSuggestions(place, draft, fields);
    else if (field === "_exists_") suggestions = existsSuggestions(place, fields);
    else suggestions = valueSuggestions(values.data ?? []);
  }
  const open = suggestions.length > 0;
  const chosen = suggestions[active];

  function take(suggestion: Suggestion) {
    if (place === null) return;
    const next = completed(draft, place, suggestion.insert);
    setDraft(next.query);
    setCaret(next.caret);
    setActive(-1);
    requestAnimationFrame(() => input.current?.setSelectionRange(next.caret, next.caret));
  }

  function close() {
    setCaret(null);
    setActive(-1);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "Escape" && open) close();
    else if (event.key === "ArrowDown" && open) setActive((active + 1) % suggestions.length);
    else if (event.key === "ArrowUp" && open) setActive(((active + suggestions.length) % (suggestions.length + 1)) - 1);
    else if ((event.key === "Enter" || event.key === "Tab") && chosen !== undefined) take(chosen);
    else if (event.key === "ArrowDown") setCaret(input.current?.selectionStart ?? null);
    else return;
    event.preventDefault();
  }

  return (
    <form
      className="query-line"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        close();
        onQuery(draft.trim());
      }}
    >
      <div className="combobox">
        <input
          ref={input}
          value={draft}
          aria-label="Query"
          placeholder="service:django AND log_level:ERROR"
          role="combobox"
          aria-expanded={open}
          aria-controls={listId}
          aria-autocomplete="list"
          aria-activedescendant={chosen && `${listId}-${active}`}
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
          maxLength={1000}
          onChange={(event) => {
            setDraft(event.target.value);
            setCaret(event.target.selectionStart);
            setActive(-1);
          }}
          onKeyDown={onKeyDown}
          onBlur={close}
        />
        <div id={listId} className="completions" role="listbox" aria-label="Completions" hidden={!open}>
          {suggestions.map((suggestion, index) => (
            // The input keeps the focus and takes the keys.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus
            <div
              key={suggestion.label}
              id={`${listId}-${index}`}
              role="option"
              aria-selected={index === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(suggestion)}
            >
              <span>{suggestion.label}</span>
              <small className="muted">{suggestion.note}</small>
            </div>
          ))}
        </div>
      </div>
      <button type="submit">Search</button>
    </form>
  );
}
