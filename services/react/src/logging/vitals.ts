// Web vitals: how fast the page was for the person in front of it (https://web.dev/articles/vitals).

import { onCLS, onFCP, onINP, onLCP, onTTFB, type Metric } from "web-vitals";

import type { LogClient } from "./client";

/** Logs each metric once its value is final, which for most is when the page is left. */
export function reportVitals(client: LogClient): void {
  const logger = client.logger("vitals");
  const report = ({ name, value, rating, navigationType }: Metric): void => {
    const rounded = name === "CLS" ? Math.round(value * 1000) / 1000 : Math.round(value);
    const context = { metric: name, value: rounded, rating, navigation: navigationType };
    logger[rating === "poor" ? "warning" : "info"](
      `${name} ${rounded}${name === "CLS" ? "" : " ms"}, ${rating}`,
      context,
    );
  };
  for (const observe of [onCLS, onFCP, onINP, onLCP, onTTFB]) observe(report);
}
