// The till locks when nothing was done for as long as its place allows. It does so only while the service answers, since
// nobody could open it again without; what lies on the table is kept for whoever comes back.

import type { Table } from "./flow";
import type { Server } from "./server";

const KEPT = "dropoff.till.table";

export class Lock {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly afterS: number,
    private readonly server: Server,
    private readonly table: () => Table | null,
  ) {
    for (const name of ["pointerdown", "keydown"]) addEventListener(name, () => this.moved(), { passive: true });
    this.moved();
  }

  /** Somebody is there. */
  moved(): void {
    clearTimeout(this.timer);
    if (this.afterS) this.timer = setTimeout(() => void this.leave(), this.afterS * 1000);
  }

  keep(): void {
    const table = this.table();
    if (!table) return;
    sessionStorage.setItem(KEPT, JSON.stringify({ ...table, missing: [...table.missing], since: performance.timeOrigin + table.at }));
  }

  /** What was on the table before it locked, once. */
  takeKept(): Table | null {
    const text = sessionStorage.getItem(KEPT);
    sessionStorage.removeItem(KEPT);
    if (!text) return null;
    const { since, ...held } = JSON.parse(text) as Omit<Table, "missing"> & { missing: [string, string][]; since: number };
    return { ...held, at: since - performance.timeOrigin, device: new Date(held.device), missing: new Map(held.missing) };
  }

  private async leave(): Promise<void> {
    try {
      await this.server.session();
    } catch {
      return this.moved(); // no network: the shift goes on
    }
    this.keep();
    location.assign("/till/shift?locked=1");
  }
}
