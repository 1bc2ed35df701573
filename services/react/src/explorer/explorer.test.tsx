import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useState } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { Line } from "./fields";
import { Facets } from "./Facets";
import { Lines } from "./Lines";
import { QueryLine } from "./QueryLine";
import { EVERYTHING, type View } from "./view";

const PERIOD = { since: "2025-02-02T12:00:00.000Z", until: "2025-02-02T13:00:00.000Z" };
const ABOUT = {
  group: "pt",
  kibana_url: null,
  max_export: 100_000,
  fields: [
    { name: "log_level", kind: "keyword" },
    { name: "logger_name", kind: "keyword" },
  ],
};

beforeEach(() => {
  vi.stubGlobal("matchMedia", () => ({ matches: false, addEventListener: vi.fn(), removeEventListener: vi.fn() }));
  vi.stubGlobal("fetch", (request: Request) => {
    const answer = request.url.includes("/values/") ? [{ value: "ERROR", count: 12 }] : ABOUT;
    return Promise.resolve(Response.json(answer));
  });
});

afterEach(cleanup);

function Queried({ onQuery }: { onQuery: (q: string) => void }) {
  const [view, setView] = useState<View>(EVERYTHING);
  return (
    <QueryClientProvider client={new QueryClient()}>
      <QueryLine view={view} period={PERIOD} onQuery={onQuery} />
      <button onClick={() => setView({ ...view, q: "service:celery" })}>another view</button>
    </QueryClientProvider>
  );
}

test("a query is typed with completion, by keys alone", async () => {
  const user = userEvent.setup();
  const onQuery = vi.fn();
  render(<Queried onQuery={onQuery} />);
  const input = screen.getByRole("combobox", { name: "Query" });
  await user.click(input);
  await user.keyboard("lo");
  expect((await screen.findAllByRole("option")).map((option) => option.textContent)).toEqual([
    "log_levelkeyword",
    "logger_namekeyword",
  ]);
  await user.keyboard("{ArrowDown}{Enter}");
  expect(input).toHaveValue("log_level:");
  await screen.findByRole("option", { name: /ERROR/ });
  await user.keyboard("{ArrowDown}");
  expect(input).toHaveAttribute("aria-activedescendant", screen.getByRole("option", { selected: true }).id);
  await user.keyboard("{Tab}{Enter}");
  expect(onQuery).toHaveBeenCalledWith("log_level:ERROR");
  await waitFor(() => expect(input).toHaveAttribute("aria-expanded", "false"));
});

test("a saved view takes the place of what was typed", async () => {
  const user = userEvent.setup();
  render(<Queried onQuery={vi.fn()} />);
  await user.type(screen.getByRole("combobox", { name: "Query" }), "half a que");
  await user.click(screen.getByText("another view"));
  expect(screen.getByRole("combobox", { name: "Query" })).toHaveValue("service:celery");
});

test("of ten thousand lines only those that are seen are in the page, and more are asked for at the end", () => {
  vi.spyOn(Element.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.spyOn(Element.prototype, "clientWidth", "get").mockReturnValue(900);
  const lines = Array.from({ length: 10_000 }, (_, index): Line => ({
    id: `${index}`,
    fields: { "@timestamp": PERIOD.since, log_message: `line ${index}` },
  }));
  const onEnd = vi.fn();
  const list = render(<Lines lines={lines} onEnd={onEnd} />);
  expect(screen.getAllByRole("listitem").length).toBeLessThan(60);
  expect(screen.getAllByRole("listitem")[0]).toHaveAttribute("aria-setsize", "10000");
  expect(onEnd).not.toHaveBeenCalled();
  list.rerender(<Lines lines={lines.slice(0, 20)} onEnd={onEnd} />);
  expect(onEnd).toHaveBeenCalled();
});

test("facets: chosen values stay in sight, also when no line has them", async () => {
  const onChoice = vi.fn();
  const counts = { service: [{ value: "django", count: 1200 }] };
  render(<Facets facets={counts} chosen={{ service: ["celery"] }} onChoice={onChoice} />);
  expect(screen.getByLabelText(/celery/)).toBeChecked();
  expect(screen.getByText("1,200")).toBeVisible();
  await userEvent.click(screen.getByLabelText(/django/));
  expect(onChoice).toHaveBeenLastCalledWith("service", ["celery", "django"]);
  await userEvent.click(screen.getByLabelText(/celery/));
  expect(onChoice).toHaveBeenLastCalledWith("service", []);
});
