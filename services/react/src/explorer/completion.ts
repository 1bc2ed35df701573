// What can be typed next in the query line.

import { quoted } from "./view";

/** The part of the text that a completion takes the place of, and what it is: a field's name, or one of its values. */
export interface Place {
  start: number;
  end: number;
  field: string | null;
  typed: string;
}

export interface Suggestion {
  label: string;
  note: string;
  insert: string;
}

export interface Field {
  name: string;
  kind: string;
}

const VALUE = /([\w@][\w@.-]*):\(?(?:[^()]*\sOR\s)?("?)([^\s"()]*)$/;
const QUOTED_VALUE = /([\w@][\w@.-]*):"([^"]*)$/;
const NAME = /(?:^|[\s(!+-])((?:[\w@][\w@.-]*)?)$/;

/** Where the caret stands, or null where there is nothing to complete: inside a phrase. */
export function placeAt(query: string, caret: number): Place | null {
  const left = query.slice(0, caret);
  const end = caret + (/^[\w@.-]*/.exec(query.slice(caret))?.[0].length ?? 0);
  if (isInQuotes(left)) {
    const value = QUOTED_VALUE.exec(left);
    if (value === null) return null;
    const [, field = "", typed = ""] = value;
    const close = query.startsWith('"', end) ? end + 1 : end;
    return { start: caret - typed.length - 1, end: close, field, typed };
  }
  const value = VALUE.exec(left);
  if (value !== null) {
    const [, field = "", , typed = ""] = value;
    return { start: caret - typed.length, end, field, typed };
  }
  const name = NAME.exec(left);
  if (name === null) return null;
  const [, typed = ""] = name;
  return { start: caret - typed.length, end, field: null, typed };
}

/** Fields whose names have what was typed, those that begin with it first; and after a condition AND, OR, NOT. */
export function nameSuggestions(place: Place, query: string, fields: readonly Field[]): Suggestion[] {
  const suggestions = matching(place, fields).map(({ name, kind }) => ({
    label: name,
    note: kind,
    insert: kind === "flattened" ? `${name}.` : `${name}:`,
  }));
  const afterCondition =
    query.slice(0, place.start).trim() !== "" && !/(AND|OR|NOT|\()\s*$/.test(query.slice(0, place.start));
  const words = afterCondition ? ["AND", "OR", "AND NOT"].filter((word) => word.startsWith(place.typed)) : [];
  return [...words.map((word) => ({ label: word, note: "", insert: `${word} ` })), ...suggestions];
}

/** After `_exists_:` the name of a field. */
export function existsSuggestions(place: Place, fields: readonly Field[]): Suggestion[] {
  return matching(place, fields).map(({ name, kind }) => ({ label: name, note: kind, insert: `${name} ` }));
}

/** Whether the API lists the values of a field. */
export function hasValues(name: string | null, fields: readonly Field[]): boolean {
  if (name === null) return false;
  return name.startsWith("context.") || fields.some((field) => field.name === name && field.kind === "keyword");
}

export function valueSuggestions(values: readonly { value: string; count: number }[]): Suggestion[] {
  return values.map(({ value, count }) => ({
    label: value,
    note: count.toLocaleString(),
    insert: `${quoted(value)} `,
  }));
}

/** The query with the suggestion in its place, and where the caret stands then. */
export function completed(query: string, place: Place, insert: string): { query: string; caret: number } {
  const right = query.slice(place.end);
  // One blank between this and what follows.
  const text = right.startsWith(" ") || right.startsWith(")") ? insert.trimEnd() : insert;
  return { query: query.slice(0, place.start) + text + right, caret: place.start + insert.length };
}

function matching(place: Place, fields: readonly Field[]): Field[] {
  const typed = place.typed.toLowerCase();
  return fields
    .filter(({ name }) => name.toLowerCase().includes(typed))
    .sort((a, b) => Number(b.name.startsWith(typed)) - Number(a.name.startsWith(typed)))
    .slice(0, 15);
}

function isInQuotes(left: string): boolean {
  return (left.replace(/\\./g, "").match(/"/g)?.length ?? 0) % 2 === 1;
}
