import { expect, test } from "vitest";

import { completed, existsSuggestions, hasValues, nameSuggestions, placeAt, valueSuggestions } from "./completion";

const FIELDS = [
  { name: "app_module", kind: "keyword" },
  { name: "context", kind: "flattened" },
  { name: "log_level", kind: "keyword" },
  { name: "logger_name", kind: "keyword" },
];

/** `|` is the caret. */
function at(marked: string) {
  const caret = marked.indexOf("|");
  const query = marked.replace("|", "");
  return { query, place: placeAt(query, caret) };
}

test.each([
  ["|", null, ""],
  ["lo|", null, "lo"],
  ["service:django AND lo|", null, "lo"],
  ["(lo|", null, "lo"],
  ["-lo|", null, "lo"],
  ["service:dj|", "service", "dj"],
  ["service:|", "service", ""],
  ["service:(django OR ce|", "service", "ce"],
  ['logger_name:"apps.pa|', "logger_name", "apps.pa"],
  ["context.carrier:no|", "context.carrier", "no"],
])("%s", (marked, field, typed) => expect(at(marked).place).toMatchObject({ field, typed }));

test("a phrase is not completed", () => expect(at('"no ans|').place).toBeNull());

test("fields that begin with what was typed come first", () => {
  const { query, place } = at("log|");
  expect(place && nameSuggestions(place, query, FIELDS).map(({ label }) => label)).toEqual([
    "log_level",
    "logger_name",
  ]);
});

test("after _exists_ the name of a field", () => {
  const { place } = at("_exists_:con|");
  expect(place && existsSuggestions(place, FIELDS)).toMatchObject([{ insert: "context " }]);
});

test.each([
  ["log_level", true],
  ["context.carrier", true],
  ["context", false],
  ["nothing", false],
  [null, false],
])("values of %s are listed: %s", (name, listed) => expect(hasValues(name, FIELDS)).toBe(listed));

test("after a condition AND, OR and NOT too", () => {
  const after = at("service:django |");
  expect(after.place && nameSuggestions(after.place, after.query, FIELDS)[0]?.insert).toBe("AND ");
  const before = at("service:django AND |");
  expect(before.place && nameSuggestions(before.place, before.query, FIELDS)[0]?.label).toBe("app_module");
});

test.each([
  ["lo|", "log_level:", "log_level:|"],
  ["a AND lo|g_level:x", "logger_name:", "a AND logger_name:|:x"],
  ["service:dj|", "django ", "service:django |"],
  ["service:(dj|)", "django ", "service:(django)"],
  ['url.original:"/a|"', '"/api/" ', 'url.original:"/api/" |'],
])("%s completed by %s", (marked, insert, wanted) => {
  const { query, place } = at(marked);
  expect(place && completed(query, place, insert).query).toBe(wanted.replace("|", ""));
});

test("values with blanks and signs come in quotes", () => {
  expect(valueSuggestions([{ value: "/api/", count: 1200 }])[0]).toMatchObject({ label: "/api/", insert: '"/api/" ' });
});
