/** A traceback. It scrolls, so it can be reached by keys. */
export function Trace({ text }: { text: string }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <pre className="trace" role="region" aria-label="Traceback" tabIndex={0}>
      {text}
    </pre>
  );
}
