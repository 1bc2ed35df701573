import { mapped } from "./mapped";

addEventListener("message", ({ data: { id, stack } }: MessageEvent<{ id: number; stack: string }>) => {
  void mapped(stack)
    .catch(() => stack)
    .then((answer) => postMessage({ id, stack: answer }));
});
