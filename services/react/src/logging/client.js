// The browser's log client: events wait in a buffer and are posted in batches to Django, which writes them to react.log.

const LEVELS = ["debug", "info", "warning", "error", "critical"];

/**
 * @param {object} options
 * @param {string} options.url       where batches are posted
 * @param {number} options.interval  milliseconds between batches
 * @param {number} options.batch     most events in a batch
 * @param {number} options.capacity  most events that wait; the oldest go first when the server stays away
 */
export function createLogClient({ url = "/api/logs/client/", interval = 2000, batch = 50, capacity = 1000 } = {}) {
  const waiting = [];
  let timer = null;
  let sending = false;

  function log(level, logger, message, context = {}, stack = undefined) {
    if (!LEVELS.includes(level)) throw new RangeError(`unknown log level ${level}`);
    waiting.push({
      level,
      logger,
      message: String(message).slice(0, 2000),
      timestamp: new Date().toISOString(),
      context: { page: location.pathname, ...context },
      ...(stack && { stack: String(stack).slice(0, 8000) }),
    });
    if (waiting.length > capacity) waiting.splice(0, waiting.length - capacity);
    timer ??= setTimeout(flush, interval);
  }

  async function flush() {
    clearTimeout(timer);
    timer = null;
    if (sending || waiting.length === 0) return;
    sending = true;
    const events = waiting.slice(0, batch);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ events }),
      });
      // 4xx but 429: these events will never be taken, so they must not hold up the next ones.
      const refused = response.status >= 400 && response.status < 500 && response.status !== 429;
      if (response.ok || refused) waiting.splice(0, events.length);
    } catch {
      // Offline: they stay in the buffer until the next round.
    } finally {
      sending = false;
      if (waiting.length > 0) timer ??= setTimeout(flush, interval);
    }
  }

  /** The page is going away: the last batches go by beacon, which outlives it. */
  function flushOnUnload() {
    while (waiting.length > 0) {
      const body = new Blob([JSON.stringify({ events: waiting.slice(0, batch) })], { type: "application/json" });
      if (!navigator.sendBeacon(url, body)) return;
      waiting.splice(0, batch);
    }
  }

  function captureErrors(target = window) {
    target.addEventListener("error", (event) =>
      log("error", "errors", event.message, { line: event.lineno, column: event.colno }, event.error?.stack),
    );
    target.addEventListener("unhandledrejection", (event) =>
      log("error", "promises", event.reason?.message ?? event.reason, {}, event.reason?.stack),
    );
    target.document.addEventListener("visibilitychange", () => {
      if (target.document.visibilityState === "hidden") flushOnUnload();
    });
  }

  return { log, flush, captureErrors };
}
