import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, expect, test, vi, type MockInstance } from "vitest";

import { LogClient } from "./client";
import { captureErrors } from "./errors";
import { ErrorBoundary } from "./ErrorBoundary";

const client = new LogClient();
let log: MockInstance<LogClient["log"]>;

beforeAll(() => captureErrors(client));

beforeEach(() => {
  log = vi.spyOn(client, "log").mockImplementation(() => undefined);
});

test("an uncaught error is logged with its place and its stack", () => {
  const error = new TypeError("Thrown");
  dispatchEvent(
    new ErrorEvent("error", {
      message: "Uncaught TypeError: Thrown",
      error,
      filename: "http://localhost/assets/a.js?x",
      lineno: 3,
      colno: 5,
    }),
  );
  const context = { error: "TypeError", file: "/assets/a.js", line: 3, column: 5 };
  expect(log).toHaveBeenCalledExactlyOnceWith("error", "errors", "Uncaught TypeError: Thrown", context, error.stack);
});

test.each([
  [new RangeError("Too far"), "RangeError", "Too far"],
  ["in words", "string", "in words"],
  [{ password: "hunter2" }, "object", "A object was thrown"],
])("a rejected promise that nobody handles is logged: %s", (reason, error, message) => {
  dispatchEvent(Object.assign(new Event("unhandledrejection"), { reason }));
  expect(log).toHaveBeenCalledExactlyOnceWith(
    "error",
    "promises",
    message,
    { error },
    reason instanceof Error ? reason.stack : undefined,
  );
});

test("a file of the page that was not loaded is logged without its query", () => {
  const image = document.body.appendChild(document.createElement("img"));
  image.setAttribute("src", "/logo.png?token=1");
  image.dispatchEvent(new Event("error"));
  expect(log).toHaveBeenCalledExactlyOnceWith(
    "warning",
    "errors",
    "A <img> was not loaded: /logo.png",
    undefined,
    undefined,
  );
});

test("what is no error is not logged", () => {
  dispatchEvent(new ErrorEvent("error", { message: "ResizeObserver loop completed with undelivered notifications." }));
  expect(log).not.toHaveBeenCalled();
});

test("a component that fails is logged with those around it, and can be tried again", async () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  let broken = true;
  function Parcel() {
    if (broken) throw new Error("No parcel");
    return <p>Parcel</p>;
  }
  render(
    <ErrorBoundary client={client} fallback={(retry) => <button onClick={retry}>Again</button>}>
      <Parcel />
    </ErrorBoundary>,
  );
  expect(log).toHaveBeenCalledExactlyOnceWith(
    "error",
    "render",
    "No parcel",
    { error: "Error" },
    expect.stringMatching(/^Error: No parcel[^]+In the components:[^]+Parcel/),
  );
  broken = false;
  await userEvent.click(screen.getByRole("button", { name: "Again" }));
  expect(screen.getByText("Parcel")).toBeVisible();
});

test("another page is rendered anew", () => {
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  function Page({ path }: { path: string }) {
    if (path === "/bad") throw new Error("Bad page");
    return <p>{path}</p>;
  }
  const at = (path: string) => (
    <ErrorBoundary client={client} resetKey={path} fallback={() => <p>Failed</p>}>
      <Page path={path} />
    </ErrorBoundary>
  );
  const { rerender } = render(at("/bad"));
  expect(screen.getByText("Failed")).toBeVisible();
  rerender(at("/good"));
  expect(screen.getByText("/good")).toBeVisible();
});
