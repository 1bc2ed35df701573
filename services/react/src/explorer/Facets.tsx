import type { Schemas } from "../api/client";
import { FACETS, type Facet, type View } from "./view";

const TITLES: Record<Facet, string> = {
  service: "Service",
  stream: "Stream",
  app_module: "Module",
  log_level: "Level",
  logger_name: "Logger",
};

/** The values of each facet with their counts. Those chosen stand first, also when no line has them. */
export function Facets({
  facets,
  chosen,
  onChoice,
}: {
  facets: Schemas["Overview"]["facets"];
  chosen: View["facets"];
  onChoice: (facet: Facet, values: string[]) => void;
}) {
  return (
    <>
      {FACETS.map((facet) => {
        const here = chosen[facet] ?? [];
        const counts = facets[facet] ?? [];
        const gone = here.filter((value) => !counts.some((count) => count.value === value));
        return (
          <details key={facet} className="facet" open={facet !== "logger_name" || here.length > 0}>
            <summary>{TITLES[facet]}</summary>
            <ul>
              {[...gone.map((value) => ({ value, count: 0 })), ...counts].map(({ value, count }) => (
                <li key={value}>
                  <label>
                    <input
                      type="checkbox"
                      checked={here.includes(value)}
                      onChange={(event) =>
                        onChoice(facet, event.target.checked ? [...here, value] : here.filter((one) => one !== value))
                      }
                    />
                    <span title={value}>{value}</span>
                    <small>{count.toLocaleString()}</small>
                  </label>
                </li>
              ))}
            </ul>
          </details>
        );
      })}
    </>
  );
}
