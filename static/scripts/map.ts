// The map beside the list: the places in view as pins, close ones drawn together. It is loaded only when it is shown.
// The list is the truth; the map shows where its places lie, and what else is around.

import L from "leaflet";
import Supercluster from "supercluster";
import "./map.css";
import { drawOutline } from "./parts/outline";
import { kindIcon, openingChip } from "./parts/pin";

export interface MapSettings {
  here: [number, number];
  /** Whether somebody stands there, or it is only where the map begins. */
  stands: boolean;
  /** Where the pins come from; the place and the reach are added. */
  pins: string;
  /** Address of the tiles; empty: the outline is drawn. */
  tiles: string;
  tilesFrom: string;
  outline: string;
  words: Record<string, string>;
}

export interface MapModule {
  show(canvas: HTMLElement, listed: HTMLElement[], settings: MapSettings): void;
}

interface Pin {
  id: string;
  lat: number;
  lon: number;
  name: string;
  kind: string;
  address: string;
  opening: string;
  tone: string;
  /** Where its name leads; else to its own page. */
  url?: string;
}

const WAIT_MS = 150;
const LISTED_IN_VIEW = 6;
const CLOSEST_ZOOM = 18;
const UNCLUSTERED_FROM = 16;
/** Across, in CSS pixels; WCAG asks for 24. */
const PIN_PX = 36;
/** From the top of a pin to its tip: half of it, and half the diagonal of its turned square. */
const TIP_PX = Math.round(PIN_PX / 2 + PIN_PX * Math.SQRT1_2);
const CLUSTER_PX = 44;
const TILE_PX = 256;

export function show(canvas: HTMLElement, listed: HTMLElement[], settings: MapSettings): void {
  new Finder(canvas, listed, settings).begin();
}

class Finder {
  private readonly map: L.Map;
  private readonly index = new Supercluster<{ pin: Pin }, object>({
    radius: CLUSTER_PX + 12,
    extent: TILE_PX, // else it counts in tiles twice as large, and buttons lie on one another
    maxZoom: UNCLUSTERED_FROM - 1,
  });
  private readonly shown = new Map<string, L.Marker>();
  private readonly pinLayer = L.layerGroup();
  private readonly byId: Map<string, HTMLElement>;
  private readonly note = document.createElement("p");
  private asking: AbortController | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  private chosen = "";

  constructor(
    canvas: HTMLElement,
    private readonly listed: HTMLElement[],
    private readonly settings: MapSettings,
  ) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.byId = new Map(listed.map((item) => [item.dataset.id ?? "", item]));
    this.map = L.map(canvas, {
      fadeAnimation: !calm,
      markerZoomAnimation: !calm,
      maxZoom: CLOSEST_ZOOM,
      minZoom: 3,
      worldCopyJump: true,
      zoomAnimation: !calm,
      zoomControl: false,
    });
    const { zoomIn, zoomOut } = settings.words;
    L.control.zoom({ position: "bottomright", zoomInTitle: zoomIn ?? "", zoomOutTitle: zoomOut ?? "" }).addTo(this.map);
    L.control.scale({ imperial: false }).addTo(this.map);
    canvas.addEventListener("keydown", ({ key }) => key === "Escape" && this.map.closePopup());
    canvas.setAttribute("role", "region");
    canvas.setAttribute("aria-label", settings.words.map ?? "");
  }

  begin(): void {
    const { here, stands, tiles, tilesFrom, outline, words } = this.settings;
    this.map.attributionControl.setPrefix(false);
    this.map.fitBounds(this.nearestListed(), { padding: [40, 48], maxZoom: 16, animate: false });
    if (tiles) {
      // Tile servers want to know which site asks, and no more.
      L.tileLayer(tiles, { attribution: escaped(tilesFrom), maxZoom: CLOSEST_ZOOM, referrerPolicy: "strict-origin" }).addTo(
        this.map,
      );
    } else {
      void drawOutline(this.map, outline, stands ? here : undefined, words);
    }
    const icon = L.divIcon({ className: "map__here", iconSize: [20, 20] });
    if (stands) L.marker(here, { icon, interactive: false, keyboard: false, zIndexOffset: -1000 }).addTo(this.map);
    this.pinLayer.addTo(this.map);
    this.addNote();
    this.map.on("moveend", () => {
      this.draw();
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => void this.ask(), WAIT_MS);
    });
    for (const [id, item] of this.byId) {
      for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]] as const) {
        item.addEventListener(event, () => this.light(id, on));
      }
    }
    new ResizeObserver(() => this.map.invalidateSize({ pan: false })).observe(this.map.getContainer());
    void this.ask();
  }

  private nearestListed(): L.LatLngBounds {
    const bounds = L.latLngBounds([this.settings.here]);
    const listed = this.settings.stands ? this.listed.slice(0, LISTED_IN_VIEW) : this.listed;
    for (const { dataset } of listed) {
      bounds.extend([Number(dataset.lat), Number(dataset.lon)]);
    }
    return bounds.pad(0.05);
  }

  private addNote(): void {
    this.note.className = "map__note";
    this.note.setAttribute("role", "status");
    const control = new L.Control({ position: "topright" });
    control.onAdd = () => this.note;
    control.addTo(this.map);
  }

  /** The places in view, the nearest to its middle first. */
  private async ask(): Promise<void> {
    this.asking?.abort();
    this.asking = new AbortController();
    const bounds = this.map.getBounds();
    const middle = bounds.getCenter().wrap();
    const radius = Math.min(20_000_000, Math.ceil(bounds.getCenter().distanceTo(bounds.getNorthEast())));
    const { pins: source, words } = this.settings;
    const fields = new URLSearchParams({
      near: `${middle.lat.toFixed(5)},${middle.lng.toFixed(5)}`,
      radius: String(radius),
    });
    try {
      const answer = await fetch(`${source}${source.includes("?") ? "&" : "?"}${fields}`, { signal: this.asking.signal });
      const { pins, all } = (await answer.json()) as { pins: Pin[]; all: boolean };
      this.index.load(
        pins.map((pin) => ({
          type: "Feature",
          geometry: { type: "Point", coordinates: [pin.lon, pin.lat] },
          properties: { pin },
        })),
      );
      this.shown.forEach((marker, key) => key.startsWith("cluster") && this.drop(key, marker));
      this.draw();
      this.note.textContent = all ? "" : (words.tooMany ?? "").replace("%d", String(pins.length));
    } catch {
      // Moved on meanwhile, or no network: the pins stay as they are.
    }
  }

  private draw(): void {
    const bounds = this.map.getBounds().pad(0.1);
    const box: [number, number, number, number] = [bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()];
    const wanted = new Set<string>();
    for (const feature of this.index.getClusters(box, Math.round(this.map.getZoom()))) {
      const [lon, lat] = feature.geometry.coordinates as [number, number];
      const found = feature.properties;
      const key = "pin" in found ? found.pin.id : `cluster ${found.cluster_id}`;
      wanted.add(key);
      if (this.shown.has(key)) continue;
      const marker = "pin" in found ? this.pin(found.pin) : this.cluster(found.cluster_id, found.point_count, [lat, lon]);
      this.shown.set(key, marker.addTo(this.pinLayer));
    }
    this.shown.forEach((marker, key) => {
      // What has the focus or is being read stays, though it may have left the view.
      if (!wanted.has(key) && key !== this.chosen) this.drop(key, marker);
    });
  }

  private drop(key: string, marker: L.Marker): void {
    marker.remove();
    this.shown.delete(key);
  }

  private pin(pin: Pin): L.Marker {
    const icon = L.divIcon({
      className: `pin${pin.tone === "good" ? " pin--good" : ""}`,
      html: kindIcon(pin.kind),
      iconSize: [PIN_PX, PIN_PX],
      iconAnchor: [PIN_PX / 2, TIP_PX],
      popupAnchor: [0, -TIP_PX],
    });
    const marker = L.marker([pin.lat, pin.lon], { icon, riseOnHover: true });
    marker.bindPopup(() => popup(pin), { minWidth: 160, maxWidth: 220, autoPanPadding: [16, 16] });
    this.named(marker, `${pin.name}, ${pin.opening}`);
    marker.on("popupopen", ({ popup }) => {
      this.choose(pin.id);
      popup.getElement()?.querySelector("a")?.focus({ preventScroll: true });
    });
    marker.on("popupclose", ({ popup }) => {
      this.choose("");
      // Who was in the little window goes on where he came from, not at the top of the page.
      const lost = document.activeElement;
      if (!lost || lost === document.body || popup.getElement()?.contains(lost)) {
        marker.getElement()?.focus({ preventScroll: true });
      }
    });
    return marker;
  }

  private cluster(id: number, count: number, at: [number, number]): L.Marker {
    const icon = L.divIcon({ className: "cluster", html: String(count), iconSize: [CLUSTER_PX, CLUSTER_PX] });
    const marker = L.marker(at, { icon });
    this.named(marker, (this.settings.words.cluster ?? "").replace("%d", String(count)));
    marker.on("click", () => {
      this.map.setView(at, Math.min(this.index.getClusterExpansionZoom(id), CLOSEST_ZOOM));
    });
    return marker;
  }

  /** Leaflet makes a marker a button; its name, and the keys that press a button, are ours. */
  private named(marker: L.Marker, name: string): void {
    marker.on("add", () => {
      const element = marker.getElement();
      element?.setAttribute("aria-label", name);
      element?.addEventListener("keydown", (event) => {
        if (event.key !== " " && event.key !== "Enter") return;
        event.preventDefault();
        element.click();
      });
    });
  }

  private choose(id: string): void {
    const before = this.chosen;
    this.chosen = id;
    if (before) this.light(before, false);
    if (!id) return;
    this.light(id, true);
    // Only beside the map: above the list, the map itself would scroll away.
    const item = this.byId.get(id);
    const container = this.map.getContainer();
    if (item && container.getBoundingClientRect().left > item.getBoundingClientRect().right) {
      item.scrollIntoView({ block: "nearest" });
    }
  }

  /** Shows which pin belongs to which line of the list. */
  private light(id: string, on: boolean): void {
    const lit = on || id === this.chosen;
    this.shown.get(id)?.getElement()?.classList.toggle("pin--on", lit);
    this.byId.get(id)?.classList.toggle("place--on", lit);
  }
}

function popup(pin: Pin): HTMLElement {
  const box = document.createElement("div");
  const name = document.createElement("a");
  name.className = "map__name";
  name.href = pin.url ?? `/points/${encodeURIComponent(pin.id)}`;
  name.textContent = pin.name;
  const address = document.createElement("p");
  address.textContent = pin.address;
  box.append(name, address, openingChip(pin.opening, pin.tone));
  return box;
}

function escaped(text: string): string {
  const holder = document.createElement("span");
  holder.textContent = text;
  return holder.innerHTML;
}
