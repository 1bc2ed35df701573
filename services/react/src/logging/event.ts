// What an event is, and how it is made fit for sending: within the bounds of the intake, and without secrets.

export const LEVELS = ["debug", "info", "warning", "error", "critical"] as const;
export type Level = (typeof LEVELS)[number];

export interface LogEvent {
  /** By which the intake knows it again, when a batch is sent twice. */
  id: string;
  level: Level;
  /** Dotted, below `react`: the server puts that before it. */
  logger: string;
  message: string;
  timestamp: string;
  context: Record<string, unknown>;
  stack?: string;
}

// The intake's bounds are a little wider; one event beyond them has its whole batch refused.
const MAX_MESSAGE = 2000;
const MAX_STACK = 8000;
const MAX_CONTEXT = 3000;
const MAX_TEXT = 500;
const MAX_ITEMS = 20;
const MAX_DEPTH = 3;

const SECRET_NAME = /pass|secret|token|auth|cookie|session|credential|csrf|api.?key/i;
const SECRETS: [RegExp, string][] = [
  [/\b(token|bearer|basic)([ .:=]+)[\w.~+/=-]{8,}/gi, "$1$2[redacted]"],
  [/([?&][\w-]*(?:pass|secret|token|auth|session|key)[\w-]*=)[^&#\s]*/gi, "$1[redacted]"],
];
// NUL is refused by the intake, half a surrogate pair can't be written as UTF-8.
const UNWRITABLE = /\0|\p{Surrogate}/gu;

export function text(value: string, limit: number): string {
  let kept = value.slice(0, 2 * limit).replace(UNWRITABLE, "�");
  for (const [secret, replacement] of SECRETS) kept = kept.replace(secret, replacement);
  return kept.length > limit ? `${kept.slice(0, limit - 1)}…` : kept;
}

export function newEvent(
  level: Level,
  logger: string,
  message: string,
  context: Record<string, unknown>,
  stack: string | undefined,
): LogEvent {
  return {
    id: newId(),
    level,
    logger: text(logger, 90) || "app",
    message: text(message, MAX_MESSAGE) || "(no message)",
    timestamp: new Date().toISOString(),
    context: bounded(context),
    ...(stack && { stack: text(stack, MAX_STACK) }),
  };
}

/** 128 random bits in hexadecimal: crypto.randomUUID is there in secure contexts alone. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Replaces an event's stack by a better one of the same error. */
export function setStack(event: LogEvent, stack: string): void {
  event.stack = text(stack, MAX_STACK);
}

function bounded(context: Record<string, unknown>): Record<string, unknown> {
  const kept = plain(context, 1) as Record<string, unknown>;
  return lengthInJson(kept) <= MAX_CONTEXT ? kept : { page: kept.page, cut: "The context was too large" };
}

/** As the intake measures it: what is not ASCII is six characters there. */
function lengthInJson(value: unknown): number {
  const json = JSON.stringify(value);
  let length = json.length;
  for (let index = 0; index < json.length; index += 1) if (json.charCodeAt(index) > 127) length += 5;
  return length;
}

/**
 * The value as JSON can hold it, without what secrets are called. Of an object that is not a plain one only its kind is
 * told: no form's value, no element and no other thing of the page gets into a line by being passed along.
 */
function plain(value: unknown, depth: number): unknown {
  if (typeof value === "string") return text(value, MAX_TEXT);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (value === null || typeof value === "boolean") return value;
  if (value instanceof Error) return text(`${value.name}: ${value.message}`, MAX_TEXT);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (typeof value !== "object") return typeof value === "bigint" ? value.toString() : `[${typeof value}]`;
  if (depth > MAX_DEPTH) return "[…]";
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map((item) => plain(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return Object.prototype.toString.call(value);
  const kept: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value).slice(0, MAX_ITEMS)) {
    if (item !== undefined) kept[name.slice(0, 100)] = SECRET_NAME.test(name) ? "[redacted]" : plain(item, depth + 1);
  }
  return kept;
}
