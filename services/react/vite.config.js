import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` serves the sources itself and asks a stack that is up for the rest.
const front = process.env.FRONT ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    // src/logging reads them to say where in the sources an error was.
    sourcemap: true,
    // nginx's content security policy lets no inline script run, and no data: address load but images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  server: { proxy: { "/api": front, "/ws": { target: front, ws: true } } },
  test: {
    environment: "jsdom",
    setupFiles: "src/testing/setup.ts",
    restoreMocks: true,
    unstubGlobals: true,
  },
});
