import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { LogClient, type LogClientOptions } from "./client";
import type { LogEvent } from "./event";

/** Stands for the intake: keeps what it took, and answers as it is told. */
class Intake {
  taken: LogEvent[] = [];
  batches: LogEvent[][] = [];
  attempts = 0;
  answer: (events: LogEvent[]) => number | "offline" = () => 202;

  fetch = vi.fn((_url: string, { body }: { body: string }) => {
    this.attempts += 1;
    const { events } = JSON.parse(body) as { events: LogEvent[] };
    const status = this.answer(events);
    if (status === "offline") return Promise.reject(new TypeError("Failed to fetch"));
    if (status < 300) {
      this.taken.push(...events);
      this.batches.push(events);
    }
    return Promise.resolve(new Response(null, { status }));
  });

  beacon = vi.fn(async (_url: string, body: Blob) => {
    const { events } = JSON.parse(await body.text()) as { events: LogEvent[] };
    this.taken.push(...events);
  });

  get messages(): string[] {
    return this.taken.map(({ message }) => message);
  }
}

let intake: Intake;
let page: AbortController;

/** A client that lives as long as the test. */
const newClient = (options?: LogClientOptions): LogClient => new LogClient({ signal: page.signal, ...options });

function hide(state: "hidden" | "visible" = "hidden"): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
}

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
  intake = new Intake();
  page = new AbortController();
  vi.stubGlobal("fetch", intake.fetch);
  navigator.sendBeacon = (url, body) => {
    void intake.beacon(url as string, body as Blob);
    return true;
  };
});

afterEach(() => {
  page.abort();
  vi.useRealTimers();
});

test("events go in one batch a second after the first of them", async () => {
  const logger = newClient().logger("parcels");
  logger.info("One");
  await vi.advanceTimersByTimeAsync(500);
  logger.warning("Two", { reference: "PT-1" }, "Error: Two\n    at here");
  await vi.advanceTimersByTimeAsync(499);
  expect(intake.attempts).toBe(0);
  await vi.advanceTimersByTimeAsync(1);
  expect(intake.batches.map((batch) => batch.length)).toEqual([2]);
  expect(intake.taken[1]).toMatchObject({
    level: "warning",
    logger: "parcels",
    message: "Two",
    context: { page: "/", reference: "PT-1" },
    stack: "Error: Two\n    at here",
  });
});

test("an error goes at once, with what waits, and a flood of them no oftener than each tenth of a second", async () => {
  const logger = newClient().logger("parcels");
  logger.info("Before");
  for (let number = 0; number < 20; number += 1) {
    logger.error("Failed");
    await vi.advanceTimersByTimeAsync(50);
  }
  expect(intake.messages[0]).toBe("Before");
  expect(intake.taken).toHaveLength(21);
  expect(intake.attempts).toBe(10);
});

test("an event whose batch is sent once more is the same event", async () => {
  const client = newClient();
  intake.answer = () => 504; // it may have been taken
  client.log("info", "parcels", "Sent twice");
  await vi.advanceTimersByTimeAsync(1000);
  intake.answer = () => 202;
  client.log("info", "parcels", "New");
  await vi.advanceTimersByTimeAsync(2500);
  const sent = intake.fetch.mock.calls.map(([, { body }]) => (JSON.parse(body) as { events: LogEvent[] }).events);
  expect(sent.map((events) => events.length)).toEqual([1, 2]);
  expect(sent[1]?.[0]).toEqual(sent[0]?.[0]);
  expect(new Set(sent[1]?.map(({ id }) => id)).size).toBe(2);
});

test("what is below the level is not sent", async () => {
  const logger = newClient({ level: "warning" }).logger("parcels");
  logger.debug("Debug");
  logger.info("Info");
  logger.warning("Warning");
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.messages).toEqual(["Warning"]);
});

test("five minutes offline at an event a second lose nothing, and are not spent in attempts", async () => {
  const client = newClient();
  intake.answer = () => "offline";
  for (let second = 0; second < 300; second += 1) {
    client.log("info", "parcels", `Event ${second}`);
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(intake.attempts).toBeLessThan(30);
  intake.answer = () => 202;
  window.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.messages).toEqual(Array.from({ length: 300 }, (_, second) => `Event ${second}`));
});

test("an intake that is overrun is asked again later", async () => {
  const client = newClient();
  intake.answer = () => 429;
  client.log("info", "parcels", "Waits");
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.attempts).toBe(1);
  intake.answer = () => 202;
  await vi.advanceTimersByTimeAsync(1000); // twice the interval, give or take a quarter
  expect(intake.attempts).toBe(1);
  await vi.advanceTimersByTimeAsync(1500);
  expect(intake.messages).toEqual(["Waits"]);
});

test("the buffer is bounded: the oldest go, and their number is told", async () => {
  const client = newClient({ capacity: 10 });
  intake.answer = () => "offline";
  for (let number = 0; number < 15; number += 1) client.log("info", "parcels", `Event ${number}`);
  await vi.advanceTimersByTimeAsync(1000);
  intake.answer = () => 202;
  await vi.advanceTimersByTimeAsync(5000);
  expect(intake.messages[0]).toBe("Event 5");
  expect(intake.messages.at(-1)).toBe("5 events were dropped while the intake was away");
  expect(intake.taken).toHaveLength(11);
});

test("one event that is refused takes no other along", async () => {
  const client = newClient();
  intake.answer = (events) => (events.some(({ message }) => message === "Bad") ? 400 : 202);
  for (const message of ["Before", "Bad", "After"]) client.log("info", "parcels", message);
  await vi.advanceTimersByTimeAsync(5000);
  expect(intake.messages.slice(0, 2)).toEqual(["Before", "After"]);
  expect(intake.batches[0]).toHaveLength(1);
  for (const message of ["Then", "all together"]) client.log("info", "parcels", message);
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.batches.at(-1)).toHaveLength(2);
});

test("a batch stays below what a page that ends may still send", async () => {
  const client = newClient();
  for (let number = 0; number < 20; number += 1) client.log("error", "errors", "Failed", {}, "x".repeat(8000));
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.taken).toHaveLength(20);
  for (const batch of intake.batches) expect(JSON.stringify({ events: batch }).length).toBeLessThan(60_000);
});

test("a page that is left sends the rest by beacon, and what is under way not twice", async () => {
  const client = newClient();
  client.log("info", "parcels", "Under way");
  let arrive = (): void => undefined;
  intake.fetch.mockImplementationOnce(
    () => new Promise((resolve) => (arrive = () => resolve(new Response(null, { status: 202 })))),
  );
  await vi.advanceTimersByTimeAsync(1000);
  client.log("info", "parcels", "Late");
  hide();
  vi.useRealTimers();
  await vi.waitFor(() => expect(intake.messages).toEqual(["Late"]));
  arrive();
});

test("what could not be sent goes with the next page", async () => {
  const client = newClient();
  vi.spyOn(navigator, "onLine", "get").mockReturnValue(false);
  client.log("info", "parcels", "Left behind");
  hide();
  window.dispatchEvent(new PageTransitionEvent("pagehide"));
  page.abort();
  vi.clearAllTimers();

  page = new AbortController();
  newClient().log("info", "parcels", "Next page");
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.messages).toEqual(["Left behind", "Next page"]);
  expect(localStorage).toHaveLength(0);
});

test("an event waits for its mapped stack, but not for long", async () => {
  const client = newClient({
    mapStack: (stack) => (stack.includes("slow") ? new Promise(() => undefined) : Promise.resolve(`mapped ${stack}`)),
  });
  client.log("error", "errors", "One", {}, "quick");
  await vi.advanceTimersByTimeAsync(1000);
  expect(intake.taken.map(({ stack }) => stack)).toEqual(["mapped quick"]);
  client.log("error", "errors", "Two", {}, "slow");
  await vi.advanceTimersByTimeAsync(1099);
  expect(intake.taken).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(intake.taken[1]?.stack).toBe("slow");
});

test("an event costs the page less than a millisecond", () => {
  vi.useRealTimers();
  const client = newClient();
  const context = { reference: "PT-7K2M9QXR4T", nested: { list: Array.from({ length: 20 }, (_, n) => `value ${n}`) } };
  const started = performance.now();
  for (let number = 0; number < 1000; number += 1) {
    client.log("error", "parcels", "A message of the usual length about a parcel", context, "Error\n".repeat(500));
  }
  expect((performance.now() - started) / 1000).toBeLessThan(1);
});
