import { useState } from "react";

import { send } from "../api/client";
import { logs } from "../app/logs";
import { useTitle } from "../app/title";
import "./tracking.css";

const logger = logs.logger("try");

/** Fails on purpose, in each way that there is: to see what the logs make of it. */
export default function Try() {
  useTitle("Try");
  const [broken, setBroken] = useState(false);
  const [told, setTold] = useState("");
  if (broken) throw new Error("Rendering failed on purpose");
  const ways: [string, string, () => void][] = [
    ["Write a line", "react.try", () => logger.info("Written by hand")],
    [
      "Throw an error",
      "react.errors",
      () => {
        setTimeout(() => {
          throw new TypeError("Thrown on purpose");
        });
      },
    ],
    ["Reject a promise", "react.promises", () => void Promise.reject(new Error("Rejected on purpose"))],
    ["Fail to render", "react.render", () => setBroken(true)],
    [
      "Have the server fail",
      "django.request",
      () => void send(new Request("/api/common/fault/")).catch(() => undefined), // the client has logged it
    ],
  ];
  return (
    <>
      <h1>Try</h1>
      <p>What happens here is a line of the logs about three seconds later.</p>
      <ul className="fields ways">
        {ways.map(([words, name, act]) => (
          <li key={words}>
            <button
              className="quiet"
              onClick={() => {
                setTold(`Look for the logger ${name}.`);
                act();
              }}
            >
              {words}
            </button>{" "}
            <code>{name}</code>
          </li>
        ))}
      </ul>
      <p role="status">{told}</p>
    </>
  );
}
