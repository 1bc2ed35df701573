import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { App } from "./app/App";
import { logs } from "./app/logs";
import { captureErrors, reportVitals } from "./logging";

captureErrors(logs);
reportVitals(logs);
logs.log("info", "page", "Page opened");

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no element #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
