// The till's service worker. It keeps the shell and the files it needs, and nothing else: never a page behind a login.
// The server writes the list of what to keep in front of this.

interface Scope {
  SHELL: string[];
  clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: string, listener: (event: Fetch) => void): void;
}
interface Fetch extends Event {
  request: Request;
  respondWith(answer: Promise<Response>): void;
  waitUntil(done: Promise<unknown>): void;
}

const PATIENCE_MS = 5_000;
const scope = self as unknown as Scope;
const [shell, ...files] = scope.SHELL;
// The shell's address names its language, so that another one is kept by itself.
const kept = `till ${scope.SHELL.join(" ")}`;

scope.addEventListener("install", (event) => {
  event.waitUntil(caches.open(kept).then((cache) => cache.addAll(scope.SHELL)).then(() => scope.skipWaiting()));
});

scope.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((name) => name !== kept).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => scope.clients.claim()));
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (files.includes(pathname)) event.respondWith(held(pathname).then((answer) => answer ?? fetch(request)));
  else if (request.mode === "navigate" && pathname === "/till") event.respondWith(page(request));
});

const held = (path: string): Promise<Response | undefined> => caches.open(kept).then((cache) => cache.match(path));

/** The network's answer, whatever it says; the shell when there is none. */
async function page(request: Request): Promise<Response> {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return (await held(shell ?? "")) ?? Response.error();
  }
}
