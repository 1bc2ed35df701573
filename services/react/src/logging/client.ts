// The browser's log client: events wait in a buffer and are posted in batches to the intake, which writes them to a file.

import { LEVELS, newEvent, setStack, type Level, type LogEvent } from "./event";

export interface LogClientOptions {
  /** Where batches are posted: `{"events": [{id, level, logger, message, timestamp, context, stack}]}`. */
  url?: string;
  /** Events below are not sent. */
  level?: Level;
  /** Milliseconds from an event to the batch that it is sent in; errors wait no longer than URGENT. */
  interval?: number;
  /** Most milliseconds from one attempt to the next while the intake stays away. */
  longestWait?: number;
  /** Most events that wait; the oldest go first, and their number is logged. */
  capacity?: number;
  /** Says where in the sources an error's stack is; events wait for it for a second, and go without it then. */
  mapStack?: (stack: string) => Promise<string>;
  /** Ends the client's watch over the page: that it is left, or online again. */
  signal?: AbortSignal;
}

export type LogCall = (message: string, context?: Record<string, unknown>, stack?: string) => void;

/** Logs under one name. */
export type Logger = Record<Level, LogCall>;

const MAX_BATCH = 50; // events; the intake takes 100
const MAX_BATCH_LENGTH = 50_000; // characters; what is still under way when a page ends may have 64 KiB
const URGENT = 100; // milliseconds from an error to its batch
const MAP_SECONDS = 1;
const STORED = "log-client:waiting";

export class LogClient {
  private readonly waiting: LogEvent[] = [];
  private readonly mapping = new Map<LogEvent, Promise<void>>();
  private readonly url: string;
  private readonly lowest: number;
  private readonly interval: number;
  private readonly longestWait: number;
  private readonly capacity: number;
  private readonly mapStack: LogClientOptions["mapStack"];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = 0;
  private flushing = false;
  private sending: LogEvent[] = []; // the first of those that wait
  private failures = 0;
  private alone = 0; // so many are sent one by one, since one of them was refused
  private dropped = 0;

  constructor(options: LogClientOptions = {}) {
    this.url = options.url ?? "/api/logs/client/";
    this.lowest = LEVELS.indexOf(options.level ?? "info");
    this.interval = options.interval ?? 1000;
    this.longestWait = options.longestWait ?? 30_000;
    this.capacity = options.capacity ?? 1000;
    this.mapStack = options.mapStack;
    this.restore();
    this.watch({ ...(options.signal && { signal: options.signal }) });
  }

  private watch(options: AddEventListenerOptions): void {
    const online = (): void => {
      this.failures = 0;
      void this.flush();
    };
    const visibility = (): void => {
      if (document.visibilityState === "hidden") this.flushByBeacon();
    };
    const hide = (): void => {
      this.flushByBeacon();
      this.store();
    };
    const show = (event: PageTransitionEvent): void => {
      if (event.persisted) localStorage.removeItem(STORED); // they wait here still
    };
    addEventListener("online", online, options);
    document.addEventListener("visibilitychange", visibility, options);
    addEventListener("pagehide", hide, options);
    addEventListener("pageshow", show, options);
  }

  logger(name: string): Logger {
    const call =
      (level: Level): LogCall =>
      (message, context, stack) =>
        this.log(level, name, message, context, stack);
    return {
      debug: call("debug"),
      info: call("info"),
      warning: call("warning"),
      error: call("error"),
      critical: call("critical"),
    };
  }

  log(level: Level, logger: string, message: string, context: Record<string, unknown> = {}, stack?: string): void {
    if (LEVELS.indexOf(level) < this.lowest) return;
    const event = newEvent(level, logger, message, { page: location.pathname, ...context }, stack);
    this.waiting.push(event);
    if (event.stack && this.mapStack) this.map(event, event.stack, this.mapStack);
    const surplus = this.waiting.length - this.capacity;
    if (surplus > 0) {
      // Not those under way: whether they arrived will be known.
      this.waiting.splice(this.sending.length, surplus);
      this.dropped += surplus;
    }
    const isError = level === "error" || level === "critical";
    this.schedule(isError ? Math.min(URGENT, this.interval) : this.interval);
  }

  /** Sends what waits. Resolves when that was tried. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.flushing) return;
    this.flushing = true;
    const delivered = await this.deliver();
    this.flushing = false;
    if (!delivered) {
      this.failures += 1;
      this.schedule(Math.min(this.interval * 2 ** this.failures, this.longestWait) * (0.75 + Math.random() / 2));
      return;
    }
    if (this.dropped > 0) {
      const message = `${this.dropped} events were dropped while the intake was away`;
      this.dropped = 0;
      this.log("warning", "logging", message);
    }
    // What was logged after the last look.
    if (this.waiting.length > 0) this.schedule(this.interval);
  }

  /** Posts batch after batch. False: some wait, because the intake is away. */
  private async deliver(): Promise<boolean> {
    while (this.waiting.length > 0) {
      await this.mapped(this.batch(0));
      this.sending = this.batch(0);
      const outcome = this.sending.length > 0 ? await this.post(this.sending) : "done";
      this.sending = [];
      if (outcome === "later") return false;
      this.failures = 0;
    }
    return true;
  }

  private schedule(milliseconds: number): void {
    if (this.flushing) return;
    const due = performance.now() + milliseconds;
    // After failures the wait is a longer one, whatever is logged meanwhile.
    if (this.timer !== undefined && (this.failures > 0 || due >= this.due)) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => void this.flush(), milliseconds);
  }

  /** The next events from `start` on that go together. */
  private batch(start: number): LogEvent[] {
    const most = this.alone > 0 ? 1 : MAX_BATCH;
    const events: LogEvent[] = [];
    let length = 0;
    for (const event of this.waiting.slice(start, start + most)) {
      length += JSON.stringify(event).length;
      if (events.length > 0 && length > MAX_BATCH_LENGTH) break;
      events.push(event);
    }
    return events;
  }

  /** Posts a batch, which is the first of those that wait, and removes it unless it should be tried again later. */
  private async post(events: LogEvent[]): Promise<"done" | "later"> {
    let status = 0;
    try {
      const response = await fetch(this.url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ events }),
        keepalive: true, // if the page ends, this goes on
        credentials: "omit",
      });
      status = response.status;
    } catch {
      // Offline.
    }
    const refused = status >= 400 && status < 500 && status !== 429 && status !== 408;
    if (refused && events.length > 1 && (status === 400 || status === 413)) {
      this.alone = events.length;
      return "done";
    }
    if (status >= 200 && status < 300) this.alone = Math.max(0, this.alone - events.length);
    else if (refused) {
      this.alone = Math.max(0, this.alone - events.length);
      this.dropped += events.length;
    } else return "later";
    this.waiting.splice(0, events.length);
    return "done";
  }

  /** The page may be going away: a beacon outlives it. */
  private flushByBeacon(): void {
    for (;;) {
      const events = this.batch(this.sending.length);
      const body = new Blob([JSON.stringify({ events })], { type: "application/json" });
      if (events.length === 0 || !navigator.onLine || !navigator.sendBeacon(this.url, body)) return;
      this.waiting.splice(this.sending.length, events.length);
    }
  }

  /** What could not be sent goes with the next page of this site. */
  private store(): void {
    const left = this.waiting.slice(this.sending.length);
    try {
      if (left.length > 0) localStorage.setItem(STORED, JSON.stringify(left));
    } catch {
      // No storage, or a full one.
    }
  }

  private restore(): void {
    try {
      const left = JSON.parse(localStorage.getItem(STORED) ?? "[]") as LogEvent[];
      localStorage.removeItem(STORED);
      this.waiting.push(...left.slice(-this.capacity));
    } catch {
      // No storage, or not ours.
    }
    if (this.waiting.length > 0) this.schedule(this.interval);
  }

  private map(event: LogEvent, stack: string, mapStack: (stack: string) => Promise<string>): void {
    const done = mapStack(stack)
      .then(
        (mapped) => setStack(event, mapped),
        () => undefined, // the stack stays as it is
      )
      .finally(() => this.mapping.delete(event));
    this.mapping.set(event, done);
  }

  private async mapped(events: LogEvent[]): Promise<void> {
    const pending = events.flatMap((event) => this.mapping.get(event) ?? []);
    if (pending.length === 0) return;
    const timeout = new Promise((resolve) => setTimeout(resolve, MAP_SECONDS * 1000));
    await Promise.race([Promise.all(pending), timeout]);
  }
}
