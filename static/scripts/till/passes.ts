// The list of open passes that a till holds for when there is no network; its form is described in counter/passlist.py.

import { passCodes, read, signs } from "./reading";

const HEAD = 16;
const LINE = 11;
const TRACE = 5;

export interface Held {
  madeAt: Date;
  leftOut: number;
  find(text: string): Promise<number | null>;
}

/** Null when the bytes are no such list. */
export function hold(bytes: ArrayBuffer): Held | null {
  const view = new DataView(bytes);
  if (bytes.byteLength < HEAD || view.getUint32(0) !== 0x444f5031) return null;
  const count = view.getUint32(8);
  if (bytes.byteLength !== HEAD + count * LINE) return null;
  const lines = new Uint8Array(bytes, HEAD);

  /** How many things the pass has; null when it is not in the list. */
  async function find(text: string): Promise<number | null> {
    const short = read(text).short;
    const asked = [...passCodes(text).map((code) => [code, 0] as const), ...(short ? [[short, TRACE] as const] : [])];
    for (const [code, place] of asked) {
      const wanted = await trace(code);
      for (let line = 0; line < count; line++) {
        const start = line * LINE + place;
        if (wanted.every((byte, offset) => lines[start + offset] === byte)) return lines[line * LINE + LINE - 1] ?? 1;
      }
    }
    return null;
  }
  return { madeAt: new Date(view.getUint32(4) * 1000), leftOut: view.getUint32(12), find };
}

async function trace(code: string): Promise<Uint8Array> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`dropoff pass\0${code}`));
  return new Uint8Array(digest).slice(0, TRACE);
}

/** One name for a pass, however it was scanned. */
export function passName(text: string): string {
  return read(text).short ?? passCodes(text)[0] ?? signs(text);
}
