// How long a line takes from being written to being found: measured with one of our own.

import { answer, api } from "../api/client";
import { pause } from "./data";
import { text } from "./fields";
import { quoted } from "./view";

export const GIVE_UP_MS = 20_000;
const ASK_MS = 200;
/** The services that write a line of each request. */
export const WITNESSES = ["nginx", "django"];

/**
 * Sends a request and looks for its lines; tells of each service after how many milliseconds its first line is found.
 * The live tail is asked, which leaves no lines itself.
 */
export async function measure(
  found: (service: string, milliseconds: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const begin = await answer(api.GET("/api/logs/explorer/tail/", { signal }));
  const started = performance.now();
  const { response } = await api.GET("/api/logs/explorer/", { signal });
  const q = `request_id:${quoted(response.headers.get("X-Request-ID") ?? "")}`;
  const seen = new Set<string>();
  while (seen.size < WITNESSES.length && performance.now() - started < GIVE_UP_MS) {
    await pause(ASK_MS);
    const query = { q, after: begin.next };
    const { lines } = await answer(api.GET("/api/logs/explorer/tail/", { params: { query }, signal }));
    for (const service of lines.map((line) => text(line, "service"))) {
      if (seen.has(service)) continue;
      seen.add(service);
      found(service, Math.round(performance.now() - started));
    }
  }
}
