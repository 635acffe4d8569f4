// The world as a map without tiles shows it: land and borders, small. Positions are whole steps of 1/STEPS degrees,
// each told as the way from the one before: lon, lat, lon, lat, …

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { feature, mesh } from "topojson-client";
import { presimplify, simplify } from "topojson-simplify";

const STEPS = 50;
const COARSENESS = 0.015; // square degrees that a corner must span to stay
const ISLAND_MIN = 0.04; // square degrees

export function outline() {
  const path = createRequire(import.meta.url).resolve("world-atlas/countries-50m.json");
  const world = simplify(presimplify(JSON.parse(readFileSync(path, "utf8"))), COARSENESS);
  const { countries, land } = world.objects;
  const polygons = feature(world, land).features.flatMap(({ geometry }) =>
    geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates,
  );
  const borders = mesh(world, countries, (one, other) => one !== other).coordinates;
  return {
    steps: STEPS,
    land: polygons.flat().filter((ring) => area(ring) >= ISLAND_MIN).map(ways),
    borders: borders.map(ways).filter((line) => line.length > 2),
  };
}

function area(ring) {
  const twice = ring.reduce((sum, [x, y], at) => {
    const [nextX, nextY] = ring[(at + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice / 2);
}

function ways(line) {
  const told = [];
  let [lastX, lastY] = [0, 0];
  for (const [lon, lat] of line) {
    const [x, y] = [Math.round(lon * STEPS), Math.round(lat * STEPS)];
    if (told.length && x === lastX && y === lastY) continue;
    told.push(x - lastX, y - lastY);
    [lastX, lastY] = [x, y];
  }
  return told;
}
