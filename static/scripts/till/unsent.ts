// What this device has noted, in sight until it is sent, and what came back and needs somebody.

import { h, icon } from "./dom";
import type { Entry } from "./queue";
import type { Speech } from "./words";

export interface Unsent {
  send(): void;
  seen(entry: Entry): void;
}

export class UnsentList {
  readonly element = h("div", { id: "unsent", class: "unsent" });

  constructor(private readonly speech: Speech, private readonly acts: Unsent) {}

  draw(entries: Entry[], needsPairing: boolean): void {
    const { speech } = this;
    const waiting = entries.filter((entry) => entry.state === "wait");
    const parked = entries.filter((entry) => entry.state !== "wait");
    this.element.replaceChildren();
    if (waiting.length) {
      const title = speech.say("queue_title", { unsent: speech.count("unsent", waiting.length) });
      const send = h("button", { type: "button", class: "button button--second button--small", click: () => this.acts.send() }, speech.say("send_now"));
      const tags = h("p", { class: "mono" }, waiting.map((entry) => entry.tag).join(" "));
      const pairing = needsPairing ? h("p", { class: "strong" }, speech.say("sign_in")) : null;
      this.element.append(this.notice("wait", "wait", h("h2", {}, title), tags, pairing, send));
    }
    if (parked.length) {
      const lines = parked.map((entry) => {
        const seen = h("button", { type: "button", class: "button button--second button--small", click: () => this.acts.seen(entry) }, speech.say("seen"), h("span", { class: "unseen" }, ` ${entry.tag}`));
        return h("li", {}, h("p", {}, this.said(entry)), seen);
      });
      this.element.append(this.notice("bad", "again", h("h2", {}, speech.say("parked_title")), h("ul", {}, ...lines)));
    }
  }

  private said({ state, tag, reason }: Entry): string {
    const why = reason && this.speech.knows(reason) ? this.speech.result(reason).title : (reason ?? "");
    const told = state === "already" && reason ? `already_${reason}` : state;
    return this.speech.say(`told_${told}`, { tag, why, bag: reason ?? "" });
  }

  private notice(tone: string, drawn: string, ...inside: (Node | null)[]): HTMLElement {
    return h("div", { class: `notice notice--${tone}`, role: "status" }, icon(drawn), h("div", {}, ...inside));
  }
}
