// The API, typed by its OpenAPI document (`npm run api` makes schema.ts).
//
//   const parcel = await answer(api.GET("/api/parcels/{reference}/", { params: { path: { reference } } }));

import createClient, { type Middleware } from "openapi-fetch";

import { logs } from "../app/logs";
import { newId } from "../logging";
import { credentials, forgetCredentials } from "./credentials";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

const logger = logs.logger("api");

/** An answer that is none, or none at all (status 0). The message is for people. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    message: string,
    readonly status: number,
    /** By which the request's lines are found in the logs. */
    readonly requestId: string,
    /** What is wrong with which field of what was sent. */
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** fetch with the user's token, their tenant and a request id; each request that fails is a line of the log. */
export async function send(request: Request): Promise<Response> {
  const { token, tenant } = credentials();
  const requestId = newId();
  request.headers.set("X-Request-ID", requestId);
  if (token !== null) request.headers.set("Authorization", `Token ${token}`);
  if (tenant !== null && !request.headers.has("X-Tenant")) request.headers.set("X-Tenant", tenant);
  const path = new URL(request.url).pathname;
  const started = performance.now();
  const context = (status: number) => ({
    request_id: requestId,
    status,
    duration_ms: Math.round(performance.now() - started),
  });
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    logger.warning(`${request.method} ${path}: no answer`, context(0));
    throw new ApiError("The server gave no answer. Are you offline?", 0, requestId);
  }
  if (!response.ok) {
    const level = response.status >= 500 ? "error" : "warning";
    logger[level](`${request.method} ${path} answered ${response.status}`, context(response.status));
    if (response.status === 401 && token !== null && token === credentials().token) forgetCredentials();
  } else if (!path.startsWith("/api/logs/")) {
    // A search of the logs that logs itself would find more each time.
    logger.info(`${request.method} ${path} answered ${response.status}`, context(response.status));
  }
  return response;
}

const failures: Middleware = {
  async onResponse({ response }) {
    if (!response.ok) throw await errorOf(response);
  },
};

export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: send,
  querySerializer: { array: { style: "form", explode: true } },
});
api.use(failures);

/** The data of an answer; ApiError is thrown for what is none. */
export async function answer<T>(request: Promise<{ data?: T }>): Promise<T> {
  return (await request).data as T;
}

const WORDS: Record<number, string> = {
  401: "You are signed out. Sign in again.",
  403: "That is not yours to see.",
  404: "There is no such thing.",
  429: "Too many requests. Wait a moment.",
};

/** What the API's answer says is wrong, in words. */
export async function errorOf(response: Response): Promise<ApiError> {
  const requestId = response.headers.get("X-Request-ID") ?? "";
  const body: unknown = await response.json().catch(() => null);
  const fields: Record<string, string> = {};
  let detail = "";
  if (typeof body === "object" && body !== null) {
    for (const [name, value] of Object.entries(body)) {
      const words = Array.isArray(value) ? value.join(" ") : typeof value === "string" ? value : JSON.stringify(value);
      if (name === "detail" || name === "non_field_errors") detail = words;
      else fields[name] = words;
    }
  }
  detail ||= Object.entries(fields)
    .map(([name, words]) => `${name}: ${words}`)
    .join(" ");
  const message = detail || (WORDS[response.status] ?? `The server answered ${response.status}.`);
  return new ApiError(message, response.status, requestId, fields);
}
