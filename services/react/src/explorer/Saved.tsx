import { useState } from "react";
import { Link } from "wouter";

import { forgetView, PREPARED, saveView, savedViews } from "./saved";

/** Views by name. `address` is the one that is shown. */
export function Saved({ address }: { address: string }) {
  const [views, setViews] = useState(savedViews);
  const [name, setName] = useState("");
  return (
    <details className="facet" open>
      <summary>Views</summary>
      <ul>
        {[...PREPARED, ...views].map((view) => (
          <li key={view.name} className="saved">
            <Link href={`/?${view.address}`} aria-current={view.address === address ? "true" : undefined}>
              {view.name}
            </Link>
            {views.includes(view) && (
              <button
                className="quiet"
                aria-label={`Forget ${view.name}`}
                onClick={() => setViews(forgetView(view.name))}
              >
                ×
              </button>
            )}
          </li>
        ))}
      </ul>
      <form
        className="saved"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() === "") return;
          setViews(saveView({ name: name.trim(), address }));
          setName("");
        }}
      >
        <input
          value={name}
          onChange={(event) => setName(event.target.value)}
          aria-label="Name of this view"
          placeholder="Name"
          maxLength={60}
        />
        <button className="quiet">Keep</button>
      </form>
    </details>
  );
}
