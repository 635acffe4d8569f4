// The till's calls. What was not answered (no network, too slow, a fault of the server) is told apart from every answer:
// such a call may be repeated with its key, and nothing is done twice.

const PATIENCE_MS = 8_000;

export interface Unit {
  id: string;
  title: string;
  variant: string | null;
  custody: string;
  refused: string | null;
  /** The kind of thing, for the drawing beside its name. */
  pictogram: string;
}

export interface Scanned {
  kind: string;
  refused?: string | null;
  retailer?: string | null;
  retailer_id?: string | null;
  portal_url?: string | null;
  units?: Unit[];
  others?: Unit[];
  free?: boolean;
  tag?: string;
  parcel?: { tag: string } | null;
  container?: { id: string } | null;
  /** The number of a fresh bag label. */
  label?: string | null;
  network?: string;
  maybe?: boolean;
}

export interface HandIn {
  pass: string;
  parcels: { tag: string; units: string[]; packing: string }[];
  refused: { unit: string; reason: string }[];
  everything?: boolean;
  container: string | null;
  scanned_at: string;
  took_ms: number;
  /** Who stood there, as this device knew it when it was noted. */
  clerk?: string;
}

export interface Bag {
  kind: "retailer" | "hub" | "customs";
  to: string;
  customs: string | null;
  country: string | null;
  id: string | null;
  sscc: string | null;
  parcels: number;
  weight_g: number;
  max_parcels: number | null;
  max_weight_g: number | null;
  full: boolean;
  before: { id: string; sscc: string } | null;
}

export interface HandedIn {
  verdict: "accepted" | "already" | "refused";
  reason: string | null;
  hand_in: string;
  parcels: { tag: string; units: string[] }[];
  units: { id: string; custody: string }[];
  container: { id: string; sscc: string; new: boolean } | null;
  receipt: { url: string } | null;
  bag: Bag | null;
  /** Of things that another place has recorded: where they were first in hand. */
  first_custody: "here" | "elsewhere" | null;
}

export interface Session {
  device: string;
  location: string;
  place: string;
  name: string;
  csrf: string;
  /** Whose shift it is, as an id; what is noted without a network is noted for them. */
  clerk: string | null;
  initials: string;
  lock_after_s: number | null;
}

/** Which version of the calls below this script was written for: see access/protocol.py. */
const PROTOCOL = "1";

export class NotAnswered extends Error {}

/** A refusal of the whole call, by its problem code. */
export class Refused extends Error {
  constructor(readonly status: number, readonly code: string, readonly detail: string) {
    super(code);
  }
}

export class Server {
  constructor(public csrf: string) {}

  scan(text: string): Promise<Scanned> {
    return this.post("/v1/counter/scans", { text });
  }

  handIn(body: HandIn, key: string): Promise<HandedIn> {
    // Beside the body, which is the same however often it is sent.
    return this.post("/v1/counter/hand-ins", body, key, { "device-time": new Date().toISOString() });
  }

  undo(handIn: string, key: string): Promise<{ verdict: string; reason: string | null }> {
    return this.post(`/v1/counter/hand-ins/${handIn}/undo`, undefined, key);
  }

  /** Who this till is; also what its calls have to carry from now on. */
  async session(): Promise<Session> {
    const found = await this.call<Session>("/till/session.json", { signal: AbortSignal.timeout(PATIENCE_MS) });
    this.csrf = found.csrf;
    return found;
  }

  async passes(): Promise<ArrayBuffer> {
    const answer = await fetch("/till/passes.bin", { signal: AbortSignal.timeout(60_000) });
    if (!answer.ok) throw new NotAnswered();
    return answer.arrayBuffer();
  }

  private async post<T>(path: string, body: unknown, key?: string, more: Record<string, string> = {}): Promise<T> {
    const headers: Record<string, string> = { "x-csrf-token": this.csrf, ...more };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (key) headers["idempotency-key"] = key;
    const asked: RequestInit = { method: "POST", headers, signal: AbortSignal.timeout(PATIENCE_MS) };
    if (body !== undefined) asked.body = JSON.stringify(body);
    return this.call(path, asked);
  }

  private async call<T>(path: string, asked: RequestInit): Promise<T> {
    let answer: Response;
    let said: unknown;
    try {
      answer = await fetch(path, { ...asked, headers: { ...asked.headers, "x-till-protocol": PROTOCOL } });
      said = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
    } catch {
      throw new NotAnswered();
    }
    if (answer.ok) return said as T;
    if (answer.status >= 500 || answer.status === 409) throw new NotAnswered();
    const problem = said as { type?: string; detail?: string };
    throw new Refused(answer.status, problem.type?.split("/").pop() ?? "", problem.detail ?? "");
  }
}
