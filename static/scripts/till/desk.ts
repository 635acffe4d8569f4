// What stands on the screen: a pass with its things, or one large answer. It draws and reports taps; it decides nothing.

import { h, icon } from "./dom";
import { taken, type Table } from "./flow";
import type { Result, Speech } from "./words";

export interface Taps {
  allHere(): void;
  sealed(): void;
  toggle(unit: string): void;
  why(unit: string, reason: string): void;
  finish(): void;
  more(): void;
  stop(): void;
}

export class Desk {
  readonly element = h("section", { class: "desk", id: "desk" });

  constructor(private readonly speech: Speech) {}

  clear(): void {
    this.element.replaceChildren();
  }

  working(): void {
    const shown = h("div", { class: "result result--working", role: "status" }, icon("wait"), h("div", {}, h("h1", {}, this.speech.say("working"))));
    this.element.replaceChildren(shown);
  }

  /** `large`: what stands between the answer and its next step. */
  answer(result: Result, actions: Node[], large?: Node): void {
    const text = h("div", {}, h("h1", {}, result.title), result.text ? h("p", {}, result.text) : null);
    const role = result.tone === "bad" ? "alert" : "status";
    const shown = h("div", { class: `result result--full result--${result.tone}`, role }, icon(result.icon), text);
    if (large) shown.append(large);
    if (result.next || actions.length) {
      shown.append(h("div", { class: "result__next" }, result.next ? h("p", {}, result.next) : null, ...actions));
    }
    this.show(`${result.title} · dropoff`, shown);
  }

  /** The scan field keeps the focus and may lie below; what is new is what the clerk sees. */
  private show(title: string, ...shown: (Node | string)[]): void {
    this.element.replaceChildren(...shown);
    this.element.scrollIntoView({ block: "start" });
    document.title = title;
  }

  /** `note`: what was wrong with the last scan, while the pass stays open. */
  pass(table: Table, taps: Taps, note?: Result): void {
    const { speech } = this;
    const unseen = table.unseen !== undefined;
    const here = unseen ? 1 : taken(table).length;
    const things = unseen ? this.things(table) : speech.count("things", table.units.length);
    const title = unseen ? things : `${things} ${speech.say("for", { retailer: table.retailer })}`;
    const lead = !table.looked ? speech.say(unseen ? "offline_look" : "look") : here ? speech.say(table.tag ? "rest" : "tag") : speech.say("nothing");
    const focused = document.activeElement?.id;
    this.show(
      `${title} · dropoff`,
      note ? this.note(note) : "",
      h("div", { class: "stack" }, h("h1", {}, title), h("p", { class: "lead", role: "status" }, lead)),
      h(
        "div",
        { class: "card desk__card" },
        this.ways(table, taps),
        h("ul", { class: "desk__units" }, ...table.units.map((unit) => this.unit(unit, table, taps))),
        table.others ? h("p", { class: "soft" }, speech.count("others", table.others)) : null,
        unseen ? null : this.extra(table),
        h(
          "div",
          { class: "form__actions" },
          table.looked && (table.tag || !here)
            ? this.button(here ? "take_in" : "refuse_all", here ? "yes" : "undo", "desk-finish", taps.finish, "button")
            : null,
          unseen ? null : this.button("more", "box", "desk-more", taps.more),
          this.button("stop", "no", "desk-stop", taps.stop),
        ),
      ),
    );
    if (focused?.startsWith("desk-")) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  /** A thing of another return: it is never taken in with this one. */
  private extra({ portal, retailer }: Table): HTMLElement {
    const { speech } = this;
    const picture = portal ? h("img", { src: portal, width: "148", height: "148", loading: "lazy", alt: speech.say("extra_alt") }) : null;
    const text = speech.say(portal ? "extra_portal" : "extra_ask", { retailer });
    return h("details", { class: "more extra" }, h("summary", {}, speech.say("extra")), h("div", { class: "proof-line" }, picture, h("p", {}, text)));
  }

  things(table: Table): string {
    const number = table.unseen === undefined ? taken(table).length : table.unseen;
    return number === null ? this.speech.say("all_of_it") : this.speech.count("things", number);
  }

  private note(note: Result): HTMLElement {
    const text = h("div", {}, h("h2", {}, note.title), h("p", {}, note.next || note.text));
    const tone = note.tone === "info" ? "" : ` notice--${note.tone}`;
    return h("div", { class: `notice desk__note${tone}`, role: "alert" }, icon(note.icon), text);
  }

  /** Two large buttons: things seen one by one, or a closed parcel. */
  private ways(table: Table, taps: Taps): HTMLElement {
    const { speech } = this;
    const whole = table.looked && table.missing.size === 0;
    const way = (name: string, drawn: string, on: boolean, act: () => void): HTMLElement =>
      h(
        "button",
        { type: "button", id: `desk-${name}`, class: "desk__way", "aria-pressed": String(on), click: act },
        icon(on ? "yes" : drawn),
        h("span", {}, h("b", {}, speech.say(name)), h("span", {}, speech.say(`${name}_hint`))),
      );
    return h(
      "div",
      { class: "desk__ways" },
      way("all_here", "tick", whole && !table.sealed, taps.allHere),
      way("sealed", "box", whole && table.sealed, taps.sealed),
    );
  }

  private unit(unit: Table["units"][number], table: Table, taps: Taps): HTMLElement {
    const { speech } = this;
    const reason = table.missing.get(unit.id);
    const name = [unit.title, unit.variant].filter(Boolean).join(" ");
    const box = h("input", { type: "checkbox", id: `desk-take-${unit.id}`, change: () => taps.toggle(unit.id) });
    box.checked = reason === undefined;
    const line = h(
      "li",
      { class: "desk__unit" },
      h("label", { class: "choice" }, box, h("span", { class: "unit__kind" }, icon(`kind_${unit.pictogram}`)), h("span", {}, h("span", { class: "unit__name" }, unit.title), unit.variant ? h("span", { class: "soft" }, ` ${unit.variant}`) : null)),
    );
    if (reason === undefined) return line;
    line.classList.add("desk__unit--out");
    const reasons = speech.reasons.map(([value, words, drawn]) =>
      h(
        "button",
        {
          type: "button",
          id: `desk-why-${value}-${unit.id}`,
          class: "desk__why",
          "aria-pressed": String(value === reason),
          click: () => taps.why(unit.id, value),
        },
        icon(drawn),
        h("span", {}, words),
      ),
    );
    line.append(h("div", { class: "desk__reasons", role: "group", "aria-label": `${speech.say("why")} ${name}` }, ...reasons));
    return line;
  }

  private button(name: string, drawn: string, id: string, act: () => void, kind = "button button--second button--small"): HTMLElement {
    return h("button", { type: "button", id, class: kind, click: act }, icon(drawn), this.speech.say(name));
  }
}
