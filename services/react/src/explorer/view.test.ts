import { expect, test } from "vitest";

import {
  EVERYTHING,
  kibanaAddress,
  narrowed,
  periodOf,
  quoted,
  readView,
  requestQuery,
  writeView,
  type View,
} from "./view";

const VIEW: View = {
  q: 'service:django AND "no answer"',
  from: "2025-02-02T12:00:00.000Z",
  to: "2025-02-02T13:00:00.000Z",
  facets: { log_level: ["ERROR", "CRITICAL"], service: ["celery"] },
  leadingWildcard: true,
};

test("a view is its address", () => {
  expect(readView(writeView(VIEW))).toEqual(VIEW);
  expect(readView(new URLSearchParams())).toEqual(EVERYTHING);
  expect(writeView(EVERYTHING).toString()).toBe("");
});

test.each(["from=never", "from=1h&to=2025-02-02", "from=2025-02-03&to=2025-02-02", "from=2025-02-02"])(
  "an odd period is the usual one: %s",
  (address) => {
    const view = readView(new URLSearchParams(address));
    expect([view.from, view.to]).toEqual(["1h", ""]);
  },
);

test("a span ends now", () => {
  const now = Date.parse("2025-02-02T12:00:00Z");
  expect(periodOf({ from: "15m", to: "" }, now).since).toBe("2025-02-02T11:45:00.000Z");
  expect(periodOf({ from: "7d", to: "" }, now)).toEqual({
    since: "2025-01-26T12:00:00.000Z",
    until: "2025-02-02T12:00:00.000Z",
  });
  expect(periodOf(VIEW, now)).toEqual({ since: VIEW.from, until: VIEW.to });
});

test.each([
  ["django", "django"],
  ["apps.parcels", "apps.parcels"],
  ["no answer", '"no answer"'],
  ["/api/", '"/api/"'],
  ['say "x" \\', '"say \\"x\\" \\\\"'],
  ["AND", '"AND"'],
  ["a-b", '"a-b"'],
  ["", '""'],
])("the value %s is written %s", (value, written) => expect(quoted(value)).toBe(written));

test("a query is narrowed", () => {
  expect(narrowed("", "service", "django")).toBe("service:django");
  expect(narrowed("a b", "tenant", "x y", true)).toBe('a b AND NOT tenant:"x y"');
  expect(narrowed("a OR b", "service", "django")).toBe("(a OR b) AND service:django");
});

test("a request is found by its id in the browser's lines too", () => {
  expect(requestQuery("9f0c")).toBe("request_id:9f0c OR context.client.request_id:9f0c");
});

test("Kibana shows the same view", () => {
  const period = { since: "2025-02-02T12:00:00.000Z", until: "2025-02-02T13:00:00.000Z" };
  const address = kibanaAddress("http://k/", "pt", { ...VIEW, q: "it's! OR x" }, period);
  expect(address.startsWith("http://k/app/discover#/?_g=")).toBe(true);
  const [global, app] = [...address.matchAll(/_[ga]=([^&]*)/g)].map((match) => decodeURIComponent(match[1] ?? ""));
  expect(global).toBe("(time:(from:'2025-02-02T12:00:00.000Z',to:'2025-02-02T13:00:00.000Z'))");
  expect(app).toBe(
    "(dataSource:(dataViewId:'logs-*-pt',type:dataView),query:(language:lucene,query:" +
      "'(it!'s!! OR x) AND service:(celery) AND log_level:(ERROR OR CRITICAL)'))",
  );
});

test.each([
  ["a b", "a AND b"],
  ['service:django "no answer" NOT x', 'service:django AND "no answer" AND NOT x'],
  ["a AND b OR NOT c", "a AND b OR NOT c"],
  ["log_level: (ERROR WARNING) duration_ms:[5 TO 50]", "log_level: (ERROR AND WARNING) AND duration_ms:[5 TO 50]"],
  ["+a -b (c d)^2", "+a AND -b AND (c AND d)^2"],
  ["a\\ b c", "a\\ b AND c"],
  ['"not closed', '"not AND closed'],
])("in Kibana %s is %s", (q, there) => {
  const address = kibanaAddress("http://k", "pt", { ...EVERYTHING, q }, { since: "x", until: "y" });
  expect(decodeURIComponent(address)).toContain(`query:'${there}'`);
});
