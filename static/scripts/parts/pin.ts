// What a pin and its little window are made of.

const SHAPES: Record<string, string> = {
  store: "M4 10v10.5h16V10M2.5 7.5 4.5 3h15l2 4.5c0 3-4.2 3.4-4.75.7-.5 2.7-4.2 2.7-4.75 0-.5 2.7-4.2 2.7-4.75 0-.5 2.7-4.75 2.3-4.75-.7z",
  locker: "M4 3h16v18H4zM12 3v18M4 9h16M4 15h16",
  post_office: "M3 5.5h18v13H3zM3.5 6l8.5 7 8.5-7",
};

/** Fixed markup of ours: nothing of a place's own texts goes into it. */
export function kindIcon(kind: string): string {
  const shape = SHAPES[kind] ?? SHAPES.store;
  return `<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.25" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="${shape}"/></svg>`;
}

export function openingChip(text: string, tone: string): HTMLElement {
  const chip = document.createElement("span");
  chip.className = tone ? `chip chip--${tone}` : "chip";
  chip.textContent = text;
  return chip;
}
