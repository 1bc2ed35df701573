// What nobody caught.

import type { LogClient } from "./client";

/** Logs uncaught errors, rejected promises that nobody handles, and files of the page that were not loaded. */
export function captureErrors(client: LogClient): void {
  const errors = client.logger("errors");
  const promises = client.logger("promises");
  addEventListener(
    "error",
    (event) => {
      if (event.target instanceof Element) {
        const name = event.target.tagName.toLowerCase();
        const address = event.target.getAttribute("src") ?? event.target.getAttribute("href") ?? "";
        errors.warning(`A <${name}> was not loaded: ${pathOf(address)}`);
        return;
      }
      // A browser's way to say that what was measured anew is drawn a frame later: nothing failed.
      if (event.message.startsWith("ResizeObserver loop")) return;
      const { name, stack } = described(event.error);
      const context = { error: name, file: pathOf(event.filename), line: event.lineno, column: event.colno };
      errors.error(event.message || "Uncaught error", context, stack);
    },
    true, // those of elements do not bubble
  );
  addEventListener("unhandledrejection", (event) => {
    const { name, message, stack } = described(event.reason);
    promises.error(message, { error: name }, stack);
  });
}

export function described(thrown: unknown): { name: string; message: string; stack: string | undefined } {
  if (thrown instanceof Error) return { name: thrown.name, message: thrown.message, stack: thrown.stack };
  // Anything may be thrown; what is in an object is not known to be fit for a log.
  const message = typeof thrown === "string" ? thrown : `A ${typeof thrown} was thrown`;
  return { name: typeof thrown, message, stack: undefined };
}

function pathOf(address: string): string {
  return URL.parse(address, location.href)?.pathname ?? "";
}
