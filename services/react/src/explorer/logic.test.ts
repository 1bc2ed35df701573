import { afterEach, expect, test, vi } from "vitest";

import type { Schemas } from "../api/client";
import { barsOf } from "./bars";
import { download } from "./download";
import { flattened, text, tick, type Line } from "./fields";
import { ago } from "./Health";
import { lanesOf } from "./lanes";
import { forgetView, savedViews, saveView } from "./saved";
import { advanced, joined, MAX_TAIL } from "./tail";

afterEach(() => localStorage.clear());

function line(id: string, milliseconds: number, fields: Record<string, unknown> = {}): Line {
  return { id, fields: { "@timestamp": new Date(milliseconds).toISOString(), service: "django", ...fields } };
}

test("fields by their dotted names", () => {
  const one = line("a", 0, { context: { client: { page: "/x" }, tags: ["a", "b"] }, duration_ms: 3.5, error: null });
  expect(text(one, "context.client.page")).toBe("/x");
  expect(text(one, "duration_ms")).toBe("3.5");
  expect(text(one, "context.nothing.at.all")).toBe("");
  expect(flattened(one.fields)).toEqual([
    ["@timestamp", "1970-01-01T00:00:00.000Z"],
    ["context.client.page", "/x"],
    ["context.tags", "a, b"],
    ["duration_ms", "3.5"],
    ["error", ""],
    ["service", "django"],
  ]);
});

test("a place on the axis of time is told by its time of day, or its day where that begins", () => {
  const midnight = new Date(2025, 1, 2).getTime() / 1000;
  expect([0, 60, 86_399].map((seconds) => tick(midnight + seconds, 60))).toEqual(["2 Feb", "00:01", "23:59"]);
  expect(tick(midnight + 90, 10)).toBe("00:01:30");
});

test("bars of all intervals, levels on top of one another", () => {
  const overview: Schemas["Overview"] = {
    complete: true,
    took_ms: 1,
    total: 6,
    interval_seconds: 10,
    bars: [{ at: 20_000, total: 6, levels: { INFO: 4, ERROR: 2 } }],
    facets: {},
  };
  const { times, heights, span } = barsOf(overview, { since: "1970-01-01T00:00:15Z", until: "1970-01-01T00:00:31Z" });
  expect(times).toEqual([10, 20, 30]);
  expect(span).toEqual([10, 40]);
  expect(heights).toEqual([
    [0, 0, 0],
    [0, 4, 0],
    [0, 4, 0],
    [0, 6, 0],
    [0, 6, 0],
  ]);
});

test("a tail takes each line once, in the order of time, and lets go of the oldest", () => {
  const there = joined([], [line("a", 1000), line("c", 3000)]);
  const all = joined(there, [line("b", 2000), line("c", 3000)]);
  expect(all.map(({ id }) => id)).toEqual(["c", "b", "a"]);
  expect(joined(all, [line("a", 1000)])).toBe(all);
  const many = Array.from({ length: MAX_TAIL + 5 }, (_, index) => line(`m${index}`, 10_000 + index));
  expect(joined(all, many)).toHaveLength(MAX_TAIL);
});

test("a tail asks once more from where it asked before, but not when there is more already", () => {
  let position = advanced(null, { next: "1", more: false });
  expect(position.after).toBe("1");
  position = advanced(position, { next: "2", more: false });
  expect(position.after).toBe("1");
  position = advanced(position, { next: "3", more: false });
  expect(position.after).toBe("2");
  position = advanced(position, { next: "4", more: true });
  expect(position.after).toBe("4");
});

test("a request in lanes: what tells how long it took is so long", () => {
  const lines = [
    line("1", 1050, { logger_name: "apps.parcels.views", duration_ms: 20 }),
    line("2", 1100, { logger_name: "nginx.access", service: "nginx", duration_ms: 100 }),
    line("3", 1200, { logger_name: "celery.app.trace", service: "celery", duration_ms: 50 }),
  ];
  const { begin, milliseconds, lanes } = lanesOf(lines);
  expect([begin, milliseconds]).toEqual([1000, 200]);
  expect(lanes.map(({ service }) => service)).toEqual(["nginx", "django", "celery"]);
  expect(lanes.map(({ marks }) => marks.map(({ left, width }) => [left, width]))).toEqual([
    [[0, 50]],
    [[25, 0]],
    [[75, 25]],
  ]);
  expect(lanesOf([line("1", 1000)]).lanes[0]?.marks[0]).toMatchObject({ left: 0, width: 0 });
});

test("views are kept by name", () => {
  saveView({ name: "mine", address: "q=a" });
  saveView({ name: "mine", address: "q=b" });
  expect(savedViews()).toEqual([{ name: "mine", address: "q=b" }]);
  expect(forgetView("mine")).toEqual([]);
  localStorage.setItem("parcel-tracking:log-views", '[{"name":1},"x"]');
  expect(savedViews()).toEqual([]);
});

function exported(body: string, lines: number, status = 200): Response {
  const headers = {
    "Content-Type": "text/csv; charset=utf-8",
    "X-Lines": String(lines),
    "Content-Disposition": 'attachment; filename="logs-1.csv"',
  };
  return new Response(body, { status, headers });
}

test("an export tells of its progress", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(exported("@timestamp\r\na\r\nb\r\n", 2)));
  const progress = vi.fn();
  const file = await download("http://localhost/export/", progress, new AbortController().signal);
  expect(file.name).toBe("logs-1.csv");
  expect(file.content.size).toBe(18);
  expect(progress).toHaveBeenLastCalledWith(2, 2);
});

test("an export that breaks off, and one that is refused, are no files", async () => {
  const signal = new AbortController().signal;
  vi.stubGlobal("fetch", () => Promise.resolve(exported("@timestamp\r\na\r\n", 2)));
  await expect(download("http://localhost/export/", vi.fn(), signal)).rejects.toThrow("broke off after 1 lines");
  vi.stubGlobal("fetch", () => Promise.resolve(exported('{"since":["It is 100,001 lines"]}', 0, 400)));
  await expect(download("http://localhost/export/", vi.fn(), signal)).rejects.toThrow("100,001 lines");
});

test.each([
  [400, "0.4 s"],
  [65_000, "65 s"],
  [600_000, "10 min"],
  [10_800_000, "3 h"],
  [-5, "0.0 s"],
])("%i ms in words", (milliseconds, words) => expect(ago(milliseconds)).toBe(words));
