// The finder with script: suggestions while typing, "near me", and the map, which is loaded when it is wanted.
// Without this file the page does all the same by links and forms.

import { combobox } from "./parts/combobox";
import { addNearMe } from "./parts/near-me";
import type { MapModule, MapSettings } from "./map";

const page = document.getElementById("find");
if (page) begin(page);

function begin(page: HTMLElement): void {
  const words = JSON.parse(page.dataset.words ?? "{}") as Record<string, string>;
  const form = page.querySelector<HTMLFormElement>("form");
  const input = page.querySelector<HTMLInputElement>("#q");
  if (form && input) {
    if (page.dataset.places) combobox(form, input, page.dataset.places, words);
    if ("geolocation" in navigator) addNearMe(form, words);
  }
  const frame = page.querySelector<HTMLElement>(".find__map");
  if (frame && page.dataset.lat) prepareMap(page, frame, words);
}

function prepareMap(page: HTMLElement, frame: HTMLElement, words: Record<string, string>): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--second button--small button--full find__toggle";
  button.setAttribute("aria-expanded", "false");
  const canvas = document.createElement("div");
  canvas.className = "map";
  canvas.id = "map";
  canvas.hidden = true;
  button.setAttribute("aria-controls", canvas.id);
  button.textContent = words.show ?? "";
  frame.append(button, canvas);
  const beside = matchMedia("(width >= 60rem)").matches;
  if (beside) page.append(frame); // the list first, also for those who walk by the keyboard
  frame.hidden = false;

  let loaded: Promise<void> | undefined;
  const toggle = (on: boolean): void => {
    canvas.hidden = !on;
    button.textContent = (on ? words.hide : words.show) ?? "";
    button.setAttribute("aria-expanded", String(on));
    if (!on) return;
    loaded ??= load(page, canvas, words).catch(() => {
      loaded = undefined; // the next press tries again
      canvas.hidden = true;
      button.textContent = words.failed ?? "";
      button.setAttribute("aria-expanded", "false");
    });
  };
  button.addEventListener("click", () => toggle(!!canvas.hidden));
  // Beside the list there is room for it; those who save data ask for it themselves.
  if (beside && !savesData()) whenIdle(() => toggle(true));
}

function savesData(): boolean {
  const connection = (navigator as { connection?: { saveData?: boolean } }).connection;
  return connection?.saveData === true || matchMedia("(prefers-reduced-data: reduce)").matches;
}

function whenIdle(then: () => void): void {
  if ("requestIdleCallback" in window) requestIdleCallback(then, { timeout: 1500 });
  else setTimeout(then, 200);
}

async function load(page: HTMLElement, canvas: HTMLElement, words: Record<string, string>): Promise<void> {
  const { map, mapStyles, outline, pins, tiles, tilesFrom, lat, lon } = page.dataset;
  const styles = document.createElement("link");
  styles.rel = "stylesheet";
  styles.href = mapStyles ?? "";
  const styled = new Promise((done, failed) => {
    styles.onload = done;
    styles.onerror = failed;
  });
  document.head.append(styles);
  const [module] = await Promise.all([import(map ?? "") as Promise<MapModule>, styled]);
  const settings: MapSettings = {
    here: [Number(lat), Number(lon)],
    stands: page.dataset.stands !== "no",
    pins: pins ?? "",
    tiles: tiles ?? "",
    tilesFrom: tilesFrom ?? "",
    outline: outline ?? "",
    words,
  };
  module.show(canvas, [...page.querySelectorAll<HTMLElement>(".place")], settings);
}
