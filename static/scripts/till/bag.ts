// Which bag a parcel goes into, as large as the answer: whose it is, its last digits, its fill, and what to do when it
// is full. The same words and the same form as on the plain page.

import { h, icon } from "./dom";
import type { Bag } from "./server";
import type { Speech } from "./words";

export function whichBag(bag: Bag, tag: string, speech: Speech, csrf: string): HTMLElement {
  const title = speech.say(`bag_${bag.kind}`, { to: bag.to, country: country(bag, speech) });
  const drawn = h(
    "div",
    { class: `whichbag whichbag--${bag.kind}` },
    icon(`${bag.kind}_bag`),
    h("div", {}, h("p", { class: "whichbag__title" }, title), h("p", { class: "whichbag__fill" }, fill(bag, speech))),
  );
  const todo = whatToDo(bag, tag, speech);
  if (todo) drawn.append(form(todo, csrf));
  return drawn;
}

function fill(bag: Bag, speech: Speech): string {
  if (!bag.sscc) return speech.say("bag_none");
  const { parcels, weight_g: grams, max_parcels: most, max_weight_g: heaviest } = bag;
  const count = most ? speech.say("bag_count", { n: String(parcels), max: String(most) }) : speech.count("parcels", parcels);
  const held = `${speech.say("bag_name", { bag: bag.sscc.slice(-4) })} · ${count}`;
  if (!grams) return held; // nobody weighed
  const kilos = (weight: number): string => speech.say("bag_kg", { n: speech.number(weight / 1000, weight < 10_000 ? 1 : 0) });
  return `${held}, ${heaviest ? speech.say("bag_weight", { now: kilos(grams), max: kilos(heaviest) }) : kilos(grams)}`;
}

/** In the language of the page. */
function country({ customs, country: english }: Bag, speech: Speech): string {
  return (customs && new Intl.DisplayNames([speech.language || "en"], { type: "region" }).of(customs)) || english || "";
}

interface Todo {
  words: string;
  action: string;
  fields: Record<string, string>;
}

function whatToDo(bag: Bag, tag: string, speech: Speech): Todo | null {
  if (!bag.id) return { words: speech.say("bag_open"), action: `/till/parcels/${tag}`, fields: { container: "new" } };
  const { before } = bag;
  if (before) {
    const words = speech.say("bag_seal_before", { bag: before.sscc.slice(-4) });
    return { words, action: `/till/containers/${before.id}/seal`, fields: {} };
  }
  return bag.full ? { words: speech.say("bag_full"), action: `/till/containers/${bag.id}/next`, fields: {} } : null;
}

function form({ words, action, fields }: Todo, csrf: string): HTMLElement {
  const sent = { csrf_token: csrf, key: crypto.randomUUID(), ...fields };
  const hidden = Object.entries(sent).map(([name, value]) => h("input", { type: "hidden", name, value }));
  return h("form", { method: "post", action }, ...hidden, h("button", { class: "button" }, icon("bag"), words));
}
