import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readFileSync } from "node:fs";

export type Handler = (request: IncomingMessage, url: URL) => unknown;
export type Routes = Record<string, Handler>;

/** What runs: the app's name and version, and the commit that its image was built from. */
export interface Release {
  app: string;
  version: string;
  commit: string;
}

/** A page; anything else that a handler returns is sent as JSON. */
export class Html {
  constructor(readonly text: string) {}
}

export function releaseOf(manifest: URL): Release {
  const { name, version } = JSON.parse(readFileSync(manifest, "utf8")) as { name: string; version: string };
  return { app: name, version, commit: process.env.GIT_SHA || "unknown" };
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const page = body instanceof Html;
  response.writeHead(status, { "content-type": page ? "text/html; charset=utf-8" : "application/json" });
  response.end(page ? body.text : JSON.stringify(body) + "\n");
}

/**
 * Serves the routes, and /healthz (ready to be sent requests), /healthz/live and /version. On SIGTERM
 * the app says that it is not ready and goes on answering until the Service has left it out.
 */
export function serve(manifest: URL, routes: Routes): void {
  const release = releaseOf(manifest);
  const port = Number(process.env.PORT || 8080);
  const drainMs = Number(process.env.DRAIN_MS || 5000);
  let stopping = false;

  const all: Routes = {
    ...routes,
    "/healthz/live": () => ({ live: true }),
    "/version": () => release,
  };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? "/", "http://app");
    try {
      if (url.pathname === "/healthz") return send(response, stopping ? 503 : 200, { ready: !stopping });
      const handler = Object.hasOwn(all, url.pathname) ? all[url.pathname] : undefined;
      if (!handler) return send(response, 404, { error: "not found" });
      send(response, 200, await handler(request, url));
    } catch (error) {
      if (error instanceof RangeError) return send(response, 400, { error: error.message });
      console.error(error);
      send(response, 500, { error: "internal error" });
    }
  });
  server.listen(port, () => console.log(`${release.app} ${release.version} (${release.commit}) listens on port ${port}`));

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      stopping = true;
      setTimeout(() => {
        server.close(() => process.exit(0));
        server.closeIdleConnections();
      }, signal === "SIGTERM" ? drainMs : 0);
    });
  }
}
