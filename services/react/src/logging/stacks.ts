// Where in the sources a stack of the built files is. A worker reads the source maps: that takes far longer than an
// event may cost the page, and only pages with an error pay for it at all.

type Answer = (stack: string) => void;

let worker: Worker | undefined;
let last = 0;
const asked = new Map<number, Answer>();

/** The stack with its places as in the sources, e.g. `at save (src/tracking/form.tsx:12:5)`; as it is where no map says. */
export function mapStack(stack: string): Promise<string> {
  if (typeof Worker === "undefined") return Promise.resolve(stack);
  if (worker === undefined) {
    worker = new Worker(new URL("./stacks.worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<{ id: number; stack: string }>) => {
      asked.get(data.id)?.(data.stack);
      asked.delete(data.id);
    });
  }
  const id = (last += 1);
  worker.postMessage({ id, stack });
  return new Promise((resolve) => asked.set(id, resolve));
}
