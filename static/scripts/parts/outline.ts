// The map's ground where no tiles are configured: land and borders, and how far one walks from here in some minutes.

import L from "leaflet";

interface Outline {
  /** Positions are whole steps of 1/steps degrees, each told as the way from the one before: lon, lat, lon, lat, … */
  steps: number;
  land: number[][];
  borders: number[][];
}

/** From here on the coast is too coarse to be shown: harbours would lie in the sea. */
const COARSE_FROM_ZOOM = 9;
/** Minutes on foot, and from which zoom on there is room for their ring. */
const RINGS = [
  [5, 15],
  [10, 14],
  [20, 13],
] as const;
/** Along streets, which are longer than the straight line by about a third. */
const METRES_A_MINUTE = 80 / 1.3;

const METRES_A_DEGREE = 111_320;

export async function drawOutline(
  map: L.Map,
  source: string,
  here: [number, number] | undefined,
  words: Record<string, string>,
): Promise<void> {
  const rings = here
    ? RINGS.map(([minutes, from]) => ({ from, layer: ring(here, minutes, words.ring ?? "") }))
    : [];
  const fit = (): void => {
    map.getContainer().classList.toggle("map--near", map.getZoom() >= COARSE_FROM_ZOOM);
    for (const { from, layer } of rings) {
      if (map.getZoom() >= from) layer.addTo(map);
      else layer.remove();
    }
  };
  map.on("zoomend", fit);
  fit();
  const answer = await fetch(source);
  const { steps, land, borders } = (await answer.json()) as Outline;
  const line = (ways: number[]): [number, number][] => {
    const positions: [number, number][] = [];
    let [x, y] = [0, 0];
    for (let at = 0; at < ways.length; at += 2) {
      x += ways[at] ?? 0;
      y += ways[at + 1] ?? 0;
      positions.push([y / steps, x / steps]);
    }
    return positions;
  };
  const ground = map.createPane("ground");
  ground.style.zIndex = "100";
  const renderer = L.svg({ pane: "ground", padding: 0.5 });
  const still = { interactive: false, pane: "ground", renderer };
  L.polygon(land.map(line), { ...still, className: "map__land", stroke: false, fillOpacity: 1 }).addTo(map);
  L.polyline(borders.map(line), { ...still, className: "map__border" }).addTo(map);
}

function ring(here: [number, number], minutes: number, words: string): L.LayerGroup {
  const radius = minutes * METRES_A_MINUTE;
  const circle = L.circle(here, { radius, interactive: false, fill: false, className: "map__ring" });
  const icon = L.divIcon({ className: "map__label", html: words.replace("%d", String(minutes)), iconSize: [0, 0] });
  const top: [number, number] = [here[0] + radius / METRES_A_DEGREE, here[1]];
  return L.layerGroup([circle, L.marker(top, { icon, interactive: false, keyboard: false })]);
}
