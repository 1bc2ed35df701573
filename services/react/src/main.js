import { createLogClient } from "./logging/client.js";

const logs = createLogClient();
logs.captureErrors();
logs.log("info", "page", "Page opened");

const outcome = document.querySelector("#outcome");
let token = null;

async function request(path, options = {}) {
  const started = performance.now();
  const response = await fetch(path, {
    ...options,
    headers: {
      "Content-Type": "application/json",
      "X-Tenant": "acme",
      ...(token && { Authorization: `Token ${token}` }),
    },
  });
  logs.log(response.ok ? "info" : "warning", "api", `${options.method ?? "GET"} ${path} answered ${response.status}`, {
    duration_ms: Math.round(performance.now() - started),
    request_id: response.headers.get("X-Request-ID"),
  });
  return response;
}

document.querySelector("#sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  const credentials = Object.fromEntries(new FormData(event.target));
  const response = await request("/api/auth/sign-in/", { method: "POST", body: JSON.stringify(credentials) });
  token = response.ok ? (await response.json()).token : null;
  outcome.textContent = token ? "Signed in." : "Wrong user or password.";
});

document.querySelector("#track").addEventListener("submit", async (event) => {
  event.preventDefault();
  const reference = new FormData(event.target).get("reference");
  const response = await request(`/api/parcels/${encodeURIComponent(reference)}/track/`);
  outcome.textContent = response.ok ? JSON.stringify(await response.json(), null, 2) : `No answer: ${response.status}.`;
});

document.querySelector("#throw").addEventListener("click", () => {
  outcome.textContent = "Thrown: look for the logger react.errors.";
  throw new TypeError("thrown by hand");
});

document.querySelector("#reject").addEventListener("click", () => {
  outcome.textContent = "Rejected: look for the logger react.promises.";
  Promise.reject(new Error("rejected by hand"));
});
