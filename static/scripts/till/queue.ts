// What was noted and not yet sent: kept in the browser's database through reloads, crashes and a lost session, sent in
// its order, each under the key it was noted with, so that nothing is done twice. An entry that the service cannot take
// is parked in sight, and the others go on.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { NotAnswered, Refused, type HandedIn, type HandIn, type Server, type Session } from "./server";

/** `wait`: to be sent; anything else was answered, or cannot be, and somebody has to see it. */
export type State = "wait" | "accepted" | "already" | "refused" | "elsewhere" | "unread";

export interface Entry {
  /** Also the Idempotency-Key. */
  key: string;
  /** The order on this device, whatever its clock says. */
  sequence: number;
  body: HandIn;
  /** Where it was noted. */
  location: string;
  pass: string;
  tag: string;
  state: State;
  reason: string | null;
}

interface Schema extends DBSchema {
  entries: { key: number; value: Entry; indexes: { key: string } };
  held: { key: string; value: unknown };
}

const LOCK = "dropoff till queue";
const KEPT_PASSES = 2_000;

export class Queue {
  private constructor(private readonly db: IDBPDatabase<Schema>, private readonly changed: () => void) {
    this.news.addEventListener("message", () => changed());
  }

  private readonly news = new BroadcastChannel(LOCK);

  static async open(changed: () => void): Promise<Queue> {
    const db = await openDB<Schema>("dropoff till", 1, {
      upgrade(made) {
        made.createObjectStore("entries", { keyPath: "sequence", autoIncrement: true }).createIndex("key", "key", { unique: true });
        made.createObjectStore("held");
      },
    });
    return new Queue(db, changed);
  }

  all(): Promise<Entry[]> {
    return this.db.getAll("entries");
  }

  /** Something that the till holds beside its entries: its session, the list of passes. */
  async held<T>(name: string): Promise<T | undefined> {
    return (await this.db.get("held", name)) as T | undefined;
  }

  async hold(name: string, value: unknown): Promise<void> {
    await this.db.put("held", value, name);
  }

  async note(entry: Omit<Entry, "sequence">): Promise<void> {
    // The database numbers them; only once it is kept may anybody say so.
    await this.db.add("entries", entry as Entry);
    const passes = ((await this.held<string[]>("noted")) ?? []).slice(-KEPT_PASSES);
    await this.hold("noted", [...passes, entry.pass]);
    this.tell();
  }

  async wasNoted(pass: string): Promise<boolean> {
    return ((await this.held<string[]>("noted")) ?? []).includes(pass);
  }

  async forget(entry: Entry): Promise<void> {
    await this.db.delete("entries", entry.sequence);
    this.tell();
  }

  private async park(entry: Entry, state: State, reason: string | null): Promise<void> {
    await this.db.put("entries", { ...entry, state, reason });
    this.tell();
  }

  private tell(): void {
    this.news.postMessage("changed");
    this.changed();
  }

  /** Sends what waits, one tab at a time. Throws `NotAnswered` or a 401 when the rest has to wait. */
  async flush(server: Server, session: Session, done: () => void): Promise<void> {
    await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
      if (!lock) return;
      for (const entry of await this.all()) {
        if (entry.state === "wait") await this.send(entry, server, session, done);
      }
    });
  }

  private async send(entry: Entry, server: Server, session: Session, done: () => void): Promise<void> {
    if (entry.location && entry.location !== session.location) return this.park(entry, "elsewhere", null);
    let answer: HandedIn;
    try {
      answer = await server.handIn(entry.body, entry.key);
    } catch (error) {
      if (error instanceof NotAnswered || (error instanceof Refused && [401, 403, 426, 429].includes(error.status))) throw error;
      if (error instanceof Refused) return this.park(entry, "unread", error.code);
      throw error;
    }
    if (answer.verdict !== "accepted") return this.park(entry, answer.verdict, answer.reason ?? answer.first_custody);
    // What lies loose stands on the page; what the service put into a bag has to follow it there.
    if (answer.container) await this.park(entry, "accepted", answer.container.sscc.slice(-4));
    else await this.forget(entry);
    done();
  }
}
