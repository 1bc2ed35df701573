// A line's fields, by their dotted names.

import type { Schemas } from "../api/client";

export type Line = Schemas["Line"];

/** The value of a field as text; empty when the line has none. */
export function text(line: Line, name: string): string {
  let found: unknown = line.fields;
  for (const part of name.split(".")) found = isObject(found) ? found[part] : undefined;
  return shown(found);
}

/** All fields, `context.order_id` and such each by itself, in the order of their names. */
export function flattened(fields: Record<string, unknown>, prefix = ""): [name: string, value: string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (isObject(value)) found.push(...flattened(value, `${prefix}${name}.`));
    else found.push([`${prefix}${name}`, shown(value)]);
  }
  return prefix === "" ? found.sort(([a], [b]) => (a < b ? -1 : 1)) : found;
}

export function timeOf(line: Line): number {
  return Date.parse(text(line, "@timestamp"));
}

/** The time of day, local, with milliseconds: 12:34:56.123. */
export function clock(time: number): string {
  return CLOCK.format(time);
}

/** Date and time of day, local. */
export function dateAndClock(time: number): string {
  return `${DATE.format(time)} ${CLOCK.format(time)}`;
}

/** What stands at a place on an axis of time, in seconds since 1970, whose places are `step` seconds apart. */
export function tick(time: number, step: number): string {
  const at = new Date(time * 1000);
  if (at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0) return DAY.format(at);
  return CLOCK.format(at).slice(0, step < 60 ? 8 : 5);
}

const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const DATE = new Intl.DateTimeFormat("sv-SE"); // 2025-02-02
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(shown).join(", ");
  return JSON.stringify(value);
}
