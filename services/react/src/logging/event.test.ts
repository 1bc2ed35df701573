import { expect, test } from "vitest";

import { newEvent } from "./event";

const context = (given: Record<string, unknown>): Record<string, unknown> =>
  newEvent("info", "parcels", "Message", given, undefined).context;

test("secrets are left out, wherever they stand", () => {
  const event = newEvent(
    "error",
    "parcels",
    "Authorization: Token 9944b09199c62bcf9418 refused for /api/?tenant=acme&token=abc123&page=2",
    {
      password: "hunter2",
      Authorization: "x",
      headers: { "X-CSRFToken": "y", accept: "json" },
      note: "Bearer abc.def.ghi",
    },
    "Error: GET /reset?key=0123456789abcdef failed",
  );
  const sent = JSON.stringify(event);
  for (const secret of ["9944b0", "abc123", "hunter2", '"x"', '"y"', "abc.def", "0123456789abcdef"]) {
    expect(sent).not.toContain(secret);
  }
  expect(event.message).toContain("tenant=acme");
  expect(event.message).toContain("page=2");
  expect(event.context.headers).toEqual({ "X-CSRFToken": "[redacted]", accept: "json" });
});

test("what a form holds does not get in by being passed along", () => {
  const input = document.createElement("input");
  input.value = "typed by a person";
  const form = new FormData();
  form.set("name", "typed by a person");
  const kept = context({
    input,
    form,
    event: new Event("submit"),
    list: [input],
    map: new Map([["a", "typed by a person"]]),
  });
  expect(JSON.stringify(kept)).not.toContain("typed");
  expect(kept.input).toBe("[object HTMLInputElement]");
  expect(kept.form).toBe("[object FormData]");
});

test("values are what JSON can hold", () => {
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(
    context({
      nan: NaN,
      big: 10n,
      date: new Date(0),
      error: new TypeError("Not so"),
      nothing: undefined,
      none: null,
      call: () => 1,
      circular,
    }),
  ).toEqual({
    nan: "NaN",
    big: "10",
    date: "1970-01-01T00:00:00.000Z",
    error: "TypeError: Not so",
    none: null,
    call: "[function]",
    circular: { self: { self: "[…]" } },
  });
});

test("an event keeps to the intake's bounds", () => {
  const event = newEvent(
    "info",
    "x".repeat(500),
    "m".repeat(10_000),
    { page: "/", many: "ü".repeat(10_000) },
    "s".repeat(50_000),
  );
  expect(event.logger.length).toBeLessThanOrEqual(100);
  expect(event.message.length).toBeLessThanOrEqual(4000);
  expect(event.stack?.length).toBeLessThanOrEqual(16_000);
  const large = context({ page: "/", a: "ü".repeat(500), b: "ü".repeat(500) });
  expect(large).toEqual({ page: "/", cut: "The context was too large" });
});

test("what the intake refuses to read is replaced", () => {
  expect(newEvent("info", "", "a\0b\ud800c", {}, undefined)).toMatchObject({ logger: "app", message: "a�b�c" });
  expect(newEvent("info", "parcels", "", {}, undefined).message).toBe("(no message)");
});
