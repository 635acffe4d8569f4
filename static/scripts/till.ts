// The till with script: pass, tag, done, on one page that never loses the scan field. Whatever this file does not know
// (bags, parcels, several parcels for one pass) it leaves to the plain pages, which do all the same by forms.

import type { CameraModule } from "./camera";
import { whichBag } from "./till/bag";
import { Desk, type Taps } from "./till/desk";
import { h, icon } from "./till/dom";
import { allHere, handIn, isReady, lay, layUnseen, NOT_HERE, seal, tick, untick, type Table } from "./till/flow";
import { hold, passName } from "./till/passes";
import { Queue } from "./till/queue";
import { Lock } from "./till/lock";
import { isBadge, read, samePass } from "./till/reading";
import { NotAnswered, Refused, Server, type HandedIn, type HandIn, type Scanned, type Session } from "./till/server";
import { play } from "./till/sound";
import { UnsentList } from "./till/unsent";
import { listen, type Scan } from "./till/wedge";
import { Speech, type Result, type Words } from "./till/words";

const FAST = "dropoff.till.fast";
const TRY_AGAIN_MS = 20_000;
/** A list of passes older than this is asked for anew. */
const LIST_OLD_MS = 30 * 60_000;
/** After these the pass is of no use any more; after the others another tag or bag helps. */
const ENDS = new Set(["pass_expired", "pass_cancelled", "pass_unknown", "unit_unknown", "unit_expired", "test_mode", "location_paused"]);

class Till {
  private readonly speech: Speech;
  private readonly desk: Desk;
  private readonly server: Server;
  private table: Table | null = null;
  /** One scan after the other, each with its own time: the next may come while an answer is awaited. */
  private turn: Promise<unknown> = Promise.resolve();
  private readonly unsent: UnsentList;
  private queue: Queue | undefined;
  private needsPairing = false;
  private lock: Lock | undefined;

  constructor(
    private readonly page: HTMLElement,
    private readonly form: HTMLFormElement,
    private readonly input: HTMLInputElement,
  ) {
    this.speech = new Speech(JSON.parse(page.dataset.words ?? "{}") as Words, document.documentElement.lang);
    this.desk = new Desk(this.speech);
    this.unsent = new UnsentList(this.speech, {
      send: () => void this.sync().catch(() => undefined),
      seen: (entry) => void this.queue?.forget(entry),
    });
    this.server = new Server(form.querySelector<HTMLInputElement>("[name=csrf_token]")?.value ?? "");
  }

  async begin(): Promise<void> {
    this.form.before(this.unsent.element, this.desk.element);
    this.addFastMode();
    this.addCamera();
    listen(this.form, this.input, (scan) => this.next(() => this.scanned(scan)));
    this.lock = new Lock(Number(this.page.dataset.lock ?? 0), this.server, () => this.table);
    this.queue = await Queue.open(() => void this.drawUnsent()).catch(() => undefined);
    this.page.dataset.scripted = "true";
    const kept = this.lock.takeKept();
    if (kept && !this.isShell) {
      this.table = kept;
      this.draw();
    }
    await this.drawUnsent();
    if (this.isShell) await this.drawPlace();
    const worker = `/till/sw.js?speaks=${document.documentElement.lang}`;
    void navigator.serviceWorker?.register(worker, { scope: "/till" }).catch(() => undefined);
    const sync = (): void => void this.sync().catch(() => undefined);
    addEventListener("online", sync);
    document.addEventListener("visibilitychange", () => document.hidden || sync());
    setInterval(sync, TRY_AGAIN_MS);
    sync();
  }

  /** The page that the service worker keeps, shown when the network did not answer. */
  private get isShell(): boolean {
    return this.page.dataset.offline === "true";
  }

  private async drawPlace(): Promise<void> {
    const session = await this.queue?.held<Session>("session");
    const place = document.getElementById("till-place");
    if (place && session) place.textContent = `${session.place} · ${session.name}`;
  }

  private async drawUnsent(): Promise<void> {
    this.unsent.draw((await this.queue?.all()) ?? [], this.needsPairing);
  }

  /** Sends what was noted, and fetches what is needed for the next time without a network. */
  private async sync(): Promise<void> {
    const { queue } = this;
    if (!queue) return;
    const waits = (await queue.all()).some((entry) => entry.state === "wait");
    const listed = (await queue.held<number>("listed")) ?? 0;
    const old = Math.abs(Date.now() - listed) > LIST_OLD_MS;
    if (!waits && !old && !this.isShell) return;
    let session: Session;
    try {
      session = await this.server.session();
      this.needsPairing = false;
    } catch (error) {
      this.needsPairing = error instanceof Refused && error.status === 401;
      return this.drawUnsent();
    }
    await queue.hold("session", session);
    let sent = false;
    await queue.flush(this.server, session, () => (sent = true));
    if (old) {
      await queue.hold("passes", await this.server.passes());
      await queue.hold("listed", Date.now());
      this.page.dataset.listed = "true";
    }
    if (this.isShell && !this.table && !this.input.value) location.replace("/till");
    else if (sent) await this.refresh();
  }

  private next(act: () => Promise<void>): void {
    this.turn = this.turn.then(act).catch((error: unknown) => this.failed(error));
  }

  private get fast(): boolean {
    return localStorage.getItem(FAST) === "1";
  }

  private async scanned(scan: Scan): Promise<void> {
    this.page.querySelector(".till__main > .result")?.remove(); // the answer of a plain form
    this.lock?.moved();
    if (isBadge(scan.text)) {
      this.lock?.keep(); // who takes over finds the table as it was
      return this.leaveToForms("/till/scans", scan.text);
    }
    if (this.table) await this.scannedAtTable(this.table, scan);
    else await this.scannedAnything(scan);
  }

  private async scannedAnything(scan: Scan): Promise<void> {
    const reading = read(scan.text);
    if (reading.slip) return this.tell(this.speech.result("short_code_slip"));
    this.desk.working();
    let answer: Scanned;
    try {
      answer = await this.server.scan(scan.text);
    } catch (error) {
      if (error instanceof NotAnswered) return this.lookUpHere(scan);
      throw error;
    }
    if (answer.kind === "pass") return this.open(answer, scan);
    if (answer.parcel) return location.assign(`/till/parcels/${answer.parcel.tag}`);
    if (answer.container) return location.assign(`/till/containers/${answer.container.id}`);
    if (answer.refused) return this.tell(this.speech.result(answer.refused));
    if (answer.label || (answer.kind === "foreign" && reading.sscc)) return this.leaveToForms("/till/scans", scan.text);
    if (answer.kind === "foreign") return this.tell(this.speech.result(foreign(answer)));
    if (answer.kind === "tag") return this.tell(this.speech.result("fresh_tag"));
    if (answer.kind !== "unknown") return this.leaveToForms("/till/scans", scan.text);
    const wanted = reading.short || reading.passes.length ? "pass_unknown" : "unknown";
    this.tell(this.speech.result(wanted, { text: scan.text.slice(0, 60) }));
  }

  private open(answer: Scanned, scan: Scan): void {
    if (answer.refused) return this.tell(this.speech.result(answer.refused));
    const units = answer.units ?? [];
    if (!units.length) return this.tell(this.speech.result("already", { retailer: answer.retailer ?? "" }));
    const others = answer.others?.length ?? 0;
    this.table = lay(scan.text, scan.at, scan.device, answer.retailer ?? "", units, others, this.fast);
    if (answer.portal_url) this.table.portal = `/till/retailers/${answer.retailer_id ?? ""}/portal.svg`;
    play("info");
    this.draw();
  }

  /** Without an answer: by the list that this device holds. Nothing of it is accepted before the service says so. */
  private async lookUpHere(scan: Scan): Promise<void> {
    const { queue } = this;
    const { short, passes, tag, sscc } = read(scan.text);
    if (!queue || tag || sscc || (!short && !passes.length)) return this.tell(this.speech.result("needs_network"));
    if (await queue.wasNoted(passName(scan.text))) return this.tell(this.speech.result("noted_before"));
    const bytes = await queue.held<ArrayBuffer>("passes");
    const list = bytes ? hold(bytes) : null;
    const things = (await list?.find(scan.text)) ?? null;
    const lay = (): void => {
      this.table = layUnseen(scan.text, scan.at, scan.device, things, this.fast);
      this.draw();
    };
    if (things !== null) return lay();
    const when = list?.madeAt.toLocaleString(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }) ?? "";
    this.tell(this.speech.result(list ? "not_in_list" : "no_list", { when }), this.action("note_all_the_same", "yes", lay));
  }

  private async scannedAtTable(table: Table, scan: Scan): Promise<void> {
    if (samePass(scan.text, table.pass)) return; // read twice
    const reading = read(scan.text);
    if (reading.tag) {
      this.table = { ...table, tag: reading.tag };
      return this.goOn();
    }
    if (reading.sscc) {
      this.table = { ...table, bag: reading.sscc };
      return this.draw(this.speech.result("bag_chosen", { bag: reading.sscc.slice(-4) }));
    }
    const unnamed = reading.short || reading.passes.length ? "other_pass" : "tag_malformed";
    this.draw(await this.named(scan.text).catch(() => this.speech.result(unnamed)));
    play("bad");
  }

  /** What was scanned in the place of a tag. */
  private async named(text: string): Promise<Result> {
    const answer = await this.server.scan(text);
    const plain = answer.kind === "pass" ? "other_pass" : "tag_malformed";
    return this.speech.result(answer.kind === "foreign" ? foreign(answer) : plain);
  }

  private draw(note?: Result): void {
    if (this.table) this.desk.pass(this.table, this.taps, note);
  }

  private async goOn(): Promise<void> {
    const table = this.table;
    if (!table) return;
    if (!isReady(table)) {
      this.draw();
      if (table.tag) play("wait");
      return;
    }
    this.draw();
    await this.send(table, handIn(table, performance.now()), crypto.randomUUID());
  }

  private async send(table: Table, asked: HandIn, key: string): Promise<void> {
    let answer: HandedIn;
    try {
      answer = await this.server.handIn(asked, key);
    } catch (error) {
      const waits = error instanceof NotAnswered || (error instanceof Refused && [401, 426].includes(error.status));
      if (!waits || !this.queue) throw error;
      return this.note(this.queue, table, asked, key);
    }
    await this.answered(table, asked, answer);
  }

  /** Perhaps it arrived and only the answer was lost: the key makes sending it again harmless. */
  private async note(queue: Queue, table: Table, asked: HandIn, key: string): Promise<void> {
    const session = await queue.held<Session>("session");
    const location = session?.location ?? "";
    const tag = asked.parcels[0]?.tag ?? "";
    await queue.note({ key, body: session?.clerk ? { ...asked, clerk: session.clerk } : asked, location, pass: passName(table.pass), tag, state: "wait", reason: null });
    this.table = null;
    this.tell(this.speech.result("noted", { things: this.desk.things(table), tag }));
  }

  private async answered(table: Table, asked: HandIn, answer: HandedIn): Promise<void> {
    const left = answer.units.filter((unit) => unit.custody === "expected");
    if (answer.verdict === "accepted") {
      this.table = null;
      this.accepted(asked, answer);
      void this.refresh(answer.hand_in);
    } else if (answer.verdict === "already" && left.length) {
      // Another till was faster with a part of it: the rest is still on the table.
      const units = table.units.filter((unit) => left.some((one) => one.id === unit.id));
      this.table = { ...table, units, others: table.others + table.units.length - units.length, missing: new Map(), looked: false };
      this.draw(this.speech.result("some_came"));
      play("wait");
    } else if (answer.verdict === "already" || ENDS.has(answer.reason ?? "")) {
      this.table = null;
      const name = answer.verdict === "already" ? "already" : (answer.reason ?? "pass_unknown");
      this.tell(this.speech.result(name, { retailer: table.retailer }));
    } else {
      const wrongTag = answer.reason?.startsWith("tag_") ?? false;
      this.table = { ...table, tag: wrongTag ? "" : table.tag, bag: wrongTag ? table.bag : null };
      const wrong = asked.parcels[0]?.tag ?? "";
      this.draw(answer.reason === "tag_malformed" ? await this.named(wrong) : this.speech.result(answer.reason ?? "unknown"));
      play("bad");
    }
  }

  private accepted(asked: HandIn, answer: HandedIn): void {
    const back = asked.refused.length ? this.speech.count("back", asked.refused.length) : "";
    const [parcel] = asked.parcels;
    if (!parcel) return this.tell(this.speech.result("nothing_taken", { back }));
    const result = this.speech.result("accepted", { things: this.speech.count("things", parcel.units.length), tag: parcel.tag, back });
    const bag = answer.container?.sscc.slice(-4) ?? "";
    const next = !bag ? "put_loose" : answer.container?.new ? "put_new" : "put";
    const undo = this.action("undo", "undo", () => this.next(() => this.undo(answer.hand_in)));
    const large = answer.bag ? whichBag(answer.bag, parcel.tag, this.speech, this.server.csrf) : undefined;
    this.desk.answer({ ...result, text: result.text.trim(), next: this.speech.say(next, { bag }) }, [undo], large);
    play(result.tone);
  }

  private async undo(id: string): Promise<void> {
    const answer = await this.server.undo(id, `undo-${id}`);
    this.tell(this.speech.result(answer.verdict === "refused" ? (answer.reason ?? "undo_too_late") : "undone"));
    void this.refresh();
  }

  private action(name: string, drawn: string, act: () => void): HTMLElement {
    return h("button", { type: "button", class: "button", click: act }, icon(drawn), this.speech.say(name));
  }

  private tell(result: Result, ...actions: Node[]): void {
    this.desk.answer(result, actions);
    play(result.tone);
  }

  private failed(error: unknown): void {
    if (error instanceof NotAnswered) return this.tell(this.speech.result("needs_network"));
    if (error instanceof Refused && error.status === 401) return this.tell(this.speech.result("not_paired"));
    if (error instanceof Refused && error.status === 426) return this.tell(this.speech.result("till_too_old"));
    if (error instanceof Refused && error.status === 429) return this.tell(this.speech.result("too_many"));
    if (error instanceof Refused) return this.tell({ ...this.speech.result("refused_call"), text: error.detail });
    this.tell(this.speech.result("broken"));
    throw error;
  }

  /** How the place stands, drawn by the server as on a fresh page; after a hand-in with the receipt for the customer. */
  private async refresh(handIn = ""): Promise<void> {
    const answer = await fetch(handIn ? `/till?hand_in=${handIn}` : "/till").catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of ["#till-rest", "#till-side"]) {
      const [old, now] = [document.querySelector(part), fresh.querySelector(part)];
      if (old && now) old.replaceWith(document.adoptNode(now));
    }
    this.addFastMode();
  }

  private leaveToForms(action: string, text: string): void {
    this.input.value = text;
    this.form.action = action;
    this.form.submit();
  }

  private addFastMode(): void {
    const box = h("input", { type: "checkbox", id: "fast", change: () => localStorage.setItem(FAST, box.checked ? "1" : "0") });
    box.checked = this.fast;
    const text = h("span", {}, h("span", { class: "strong" }, this.speech.say("fast")), h("br"), h("span", { class: "soft" }, this.speech.say("fast_hint")));
    document.getElementById("till-side")?.append(h("div", { class: "card" }, h("label", { class: "choice" }, box, text)));
  }

  /** The fallback of the hand scanner; what it needs is loaded when it is wanted. */
  private addCamera(): void {
    const { camera: address, worker, wasm } = this.page.dataset;
    if (!address || !worker || !wasm || !navigator.mediaDevices) return;
    const said = h("p", { class: "field__error", role: "status" });
    const button = h("button", { type: "button", class: "button button--second scan__camera" }, icon("camera"), this.speech.say("camera"));
    this.form.append(button, said);
    const settings = {
      worker,
      wasm,
      words: {
        close: this.speech.say("camera_close"),
        torch: this.speech.say("torch"),
        refused: this.speech.say("camera_refused"),
        failed: this.speech.say("camera_failed"),
      },
      found: (text: string) => {
        const scan = { text, at: performance.now(), device: new Date() };
        this.next(() => this.scanned(scan));
      },
      closed: (why: string) => {
        button.hidden = false;
        said.textContent = why;
      },
    };
    button.addEventListener("click", () => {
      said.textContent = "";
      button.hidden = true;
      const failed = (): void => settings.closed(settings.words.failed);
      (import(address) as Promise<CameraModule>).then((module) => module.open(this.form, settings)).catch(failed);
    });
  }

  private readonly taps: Taps = {
    allHere: () => this.change(allHere, true),
    sealed: () => this.change(seal, true),
    toggle: (unit) => this.change((table) => (table.missing.has(unit) ? tick(table, unit) : untick(table, unit, NOT_HERE))),
    why: (unit, reason) => this.change((table) => untick(table, unit, reason)),
    finish: () => this.next(() => this.goOn()),
    more: () => this.table && this.leaveToForms("/till/scans", this.table.pass),
    stop: () => {
      this.table = null;
      this.desk.clear();
    },
  };

  /** With the tag there already, the tap that says "all" sends; whoever unticks may want to untick more. */
  private change(how: (table: Table) => Table, all = false): void {
    if (!this.table) return;
    this.table = how(this.table);
    if (all && this.table.tag) this.next(() => this.goOn());
    else this.draw();
  }
}

function foreign({ network, maybe }: Scanned): string {
  return `foreign_${network}${maybe ? "_maybe" : ""}`;
}

const page = document.getElementById("till");
const form = page?.querySelector<HTMLFormElement>("form.scan");
const input = form?.querySelector<HTMLInputElement>("#text");
// A browser too old, or an address without TLS: the plain page does it all.
if (page && form && input && "randomUUID" in crypto) void new Till(page, form, input).begin();
