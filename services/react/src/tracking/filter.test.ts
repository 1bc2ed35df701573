import { expect, test } from "vitest";

import { textOn } from "./colour";
import { exportQuery, readFilter } from "./filter";

const read = (address: string) => readFilter(new URLSearchParams(address));

test("the address says what is listed", () => {
  expect(read("search=+leeds+&status=exception&status=returned&ordering=-updated_at&page=3")).toEqual({
    search: "leeds",
    status: ["exception", "returned"],
    ordering: ["-updated_at"],
    page: 3,
  });
  expect(read("")).toEqual({});
});

test("what the API does not know is left out", () => {
  expect(read("status=lost&ordering=toString&page=-1&page=x&other=1&search=")).toEqual({});
});

test("an export has the list's filters and all of its pages", () => {
  expect(exportQuery(read("search=a%26b&status=exception&status=returned&page=3"))).toBe(
    "search=a%26b&status=exception&status=returned",
  );
});

test.each([
  ["#1f4e79", "#ffffff"],
  ["#000000", "#ffffff"],
  ["#ffd500", "#000000"],
  ["#ffffff", "#000000"],
])("on %s one reads %s", (colour, text) => {
  expect(textOn(colour)).toBe(text);
});
