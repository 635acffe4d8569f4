// A pass on the table, from its scan to the hand-in. Pure: what the clerk ticks, taps and scans goes in, and out comes
// whether the hand-in can be sent. In fast mode a sealed parcel needs no tap; whatever was touched was looked at.

import type { HandIn, Unit } from "./server";

export interface Table {
  pass: string;
  /** On the page's own clock and on the device's: when the pass was scanned. */
  at: number;
  device: Date;
  retailer: string;
  units: Unit[];
  /** Without a network only how many there are is known, if that; then all of it is noted at once. */
  unseen: number | null | undefined;
  others: number;
  /** Where the code is drawn that leads the customer to another return. */
  portal: string;
  /** Why a thing is not taken, by its id; what is not named is on the table. */
  missing: ReadonlyMap<string, string>;
  sealed: boolean;
  looked: boolean;
  tag: string;
  /** A bag whose label was scanned; else the server takes the one that goes there. */
  bag: string | null;
}

export const NOT_HERE = "not_presented";

export function lay(pass: string, at: number, device: Date, retailer: string, units: Unit[], others: number, fast: boolean): Table {
  const missing = new Map<string, string>();
  return { pass, at, device, retailer, units, unseen: undefined, others, portal: "", missing, sealed: fast, looked: fast, tag: "", bag: null };
}

/** `things`: how many the list says; null when the pass is not in it. */
export function layUnseen(pass: string, at: number, device: Date, things: number | null, fast: boolean): Table {
  return { ...lay(pass, at, device, "", [], 0, fast), unseen: things };
}

export const taken = (table: Table): Unit[] => table.units.filter((unit) => !table.missing.has(unit.id));

export function untick(table: Table, unit: string, reason = NOT_HERE): Table {
  return { ...table, missing: new Map(table.missing).set(unit, reason), looked: true };
}

export function tick(table: Table, unit: string): Table {
  const missing = new Map(table.missing);
  missing.delete(unit);
  return { ...table, missing, looked: true };
}

/** A sealed parcel is taken as it is: one tap says so. */
export const seal = (table: Table): Table => ({ ...table, sealed: true, looked: true, missing: new Map() });

export const allHere = (table: Table): Table => ({ ...table, sealed: false, looked: true, missing: new Map() });

/** Both the look and the tag are there, in whichever order; without any thing on the table no tag is needed. */
export function isReady(table: Table): boolean {
  return table.looked && (table.tag !== "" || (table.unseen === undefined && taken(table).length === 0 && table.missing.size > 0));
}

export function handIn(table: Table, sentAt: number): HandIn {
  const here = taken(table);
  const packing = table.sealed ? "sealed" : "box_free";
  const head = { pass: table.pass, scanned_at: table.device.toISOString(), took_ms: elapsed(table, sentAt) };
  if (table.unseen !== undefined) {
    return { ...head, parcels: [{ tag: table.tag, units: [], packing }], refused: [], everything: true, container: null };
  }
  return {
    ...head,
    parcels: here.length
      ? [{ tag: table.tag, units: here.map((unit) => unit.id), packing }]
      : [],
    refused: [...table.missing].map(([unit, reason]) => ({ unit, reason })),
    container: here.length ? (table.bag ?? "auto") : null,
  };
}

function elapsed(table: Table, sentAt: number): number {
  return Math.min(3_600_000, Math.max(0, Math.round(sentAt - table.at)));
}
