import { beforeEach, expect, test, vi, type MockInstance } from "vitest";

import { logs } from "../app/logs";
import { answer, api, ApiError } from "./client";
import { credentials, setCredentials } from "./credentials";

let asked: Request[];
let log: MockInstance<typeof logs.log>;

function answerWith(status: number, body: unknown): void {
  vi.stubGlobal("fetch", (request: Request) => {
    asked.push(request);
    return Promise.resolve(
      Response.json(body, { status, headers: { "X-Request-ID": request.headers.get("X-Request-ID") ?? "" } }),
    );
  });
}

const parcels = () => answer(api.GET("/api/parcels/", { params: { query: { status: ["exception", "returned"] } } }));

beforeEach(() => {
  asked = [];
  log = vi.spyOn(logs, "log").mockImplementation(() => undefined);
  setCredentials({ token: "0123456789abcdef", tenant: "acme" });
});

test("a request says who asks, for which tenant, and has an id of its own", async () => {
  answerWith(200, { count: 0, results: [] });
  await parcels();
  await parcels();
  const [first, second] = asked.map(({ headers }) => headers);
  expect(first?.get("Authorization")).toBe("Token 0123456789abcdef");
  expect(first?.get("X-Tenant")).toBe("acme");
  expect(first?.get("X-Request-ID")).toMatch(/^[0-9a-f]{32}$/);
  expect(second?.get("X-Request-ID")).not.toBe(first?.get("X-Request-ID"));
  expect(asked[0]?.url).toContain("?status=exception&status=returned");
});

test("the line of a request has its id, and neither what was asked for nor the token", async () => {
  answerWith(200, { count: 0, results: [] });
  await parcels();
  const [level, logger, message, context] = log.mock.lastCall ?? [];
  expect([level, logger, message]).toEqual(["info", "api", "GET /api/parcels/ answered 200"]);
  expect(context?.request_id).toBe(asked[0]?.headers.get("X-Request-ID"));
  expect(JSON.stringify(log.mock.calls)).not.toMatch(/exception|0123456789abcdef/);
});

test("what is wrong is told in the API's words, field by field", async () => {
  answerWith(400, { recipient: ["This field may not be blank."], weight_grams: ["Too heavy."] });
  const error = await parcels().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  expect(error).toMatchObject({
    status: 400,
    message: "recipient: This field may not be blank. weight_grams: Too heavy.",
    fields: { recipient: "This field may not be blank.", weight_grams: "Too heavy." },
    requestId: asked[0]?.headers.get("X-Request-ID"),
  });
  answerWith(502, { detail: "The carrier gave no answer" });
  await expect(parcels()).rejects.toThrow("The carrier gave no answer");
});

test("an answer that no application gave is told too", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response("<html>Bad gateway</html>", { status: 502 })));
  await expect(parcels()).rejects.toThrow("The server answered 502.");
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("Failed to fetch")));
  await expect(parcels()).rejects.toMatchObject({ status: 0, message: "The server gave no answer. Are you offline?" });
});

test("a token that is refused is forgotten", async () => {
  answerWith(401, { detail: "Invalid token." });
  await expect(parcels()).rejects.toThrow("Invalid token.");
  expect(credentials()).toEqual({ token: null, tenant: null });
});

test("a search of the logs does not log itself", async () => {
  answerWith(200, { lines: [] });
  await api.GET("/api/logs/search/");
  expect(log).not.toHaveBeenCalled();
});
