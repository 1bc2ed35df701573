import { expect, test, vi } from "vitest";

import { mapped } from "./mapped";

// Line 1, column 10 of the built file is line 4, column 4 of the source, both counted from zero in a map.
const MAP = { version: 3, sources: ["../../src/tracking/form.ts"], names: [], mappings: "UAGI" };

test.each([
  [
    "Chromium",
    "TypeError: No\n    at save (http://localhost:3000/assets/a-1.js:1:11)",
    "    at save (src/tracking/form.ts:4:5)",
  ],
  ["Firefox", "save@http://localhost:3000/assets/a-2.js:1:11\n", "save@src/tracking/form.ts:4:5\n"],
])("places of %s's stacks become those of the sources", async (_browser, stack, expected) => {
  vi.stubGlobal("fetch", (file: string) => {
    expect(file).toMatch(/^http:\/\/localhost:3000\/assets\/a-\d\.js\.map$/);
    return Promise.resolve(Response.json(MAP));
  });
  expect(await mapped(stack)).toContain(expected);
});

test("what no map knows stays, and no other site is asked", async () => {
  const fetch = vi.fn(() => Promise.resolve(new Response(null, { status: 404 })));
  vi.stubGlobal("fetch", fetch);
  const stack = "    at a (http://localhost:3000/assets/b.js:1:11)\n    at b (https://other.example/c.js:1:1)";
  expect(await mapped(stack)).toBe(stack);
  expect(fetch).toHaveBeenCalledExactlyOnceWith("http://localhost:3000/assets/b.js.map");
});
