// A hand scanner is a keyboard. Here its strokes become scans: at Enter, at Tab, or when it falls silent; a label read
// twice within 300 ms is one scan. Whatever has the focus, what is typed lands in the scan field.

import { isWhole, readOnce, samePass } from "./reading";

const DOUBLE_READ_MS = 300;
/** Nobody types ten signs with gaps as short as these. */
const SCANNER_GAP_MS = 45;
const SCANNER_MIN = 6;
/** Silence after which a scanner that sends nothing at the end has said all. */
const SILENCE_MS = 300;

export interface Scan {
  text: string;
  /** On the page's own clock. */
  at: number;
  /** A device clock as the server will hear it. */
  device: Date;
}

/** Tells the second read of one label from a scan of its own. */
export class DoubleReads {
  private last = "";
  private until = -Infinity;

  isOne(text: string, at: number): boolean {
    const same = text.toUpperCase() === this.last.toUpperCase() || samePass(text, this.last);
    const double = same && this.last !== "" && at <= this.until;
    this.last = text;
    this.until = at + DOUBLE_READ_MS;
    return double;
  }
}

export function listen(form: HTMLFormElement, input: HTMLInputElement, found: (scan: Scan) => void): void {
  const doubles = new DoubleReads();
  let gaps: number[] = [];
  let latest = 0;
  let silence: ReturnType<typeof setTimeout> | undefined;

  const end = (): void => {
    clearTimeout(silence);
    const text = readOnce(input.value.trim());
    const at = performance.now();
    input.value = "";
    gaps = [];
    if (text && !doubles.isOne(text, at)) found({ text, at, device: new Date() });
  };

  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction")) return;
    event.preventDefault();
    end();
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target instanceof HTMLElement && event.target.matches("input:not([type]), [type=text], textarea, select");
    if (event.target === input) {
      if (event.key === "Tab" && !event.shiftKey && input.value.trim()) {
        event.preventDefault();
        end();
      }
    } else if (!typing && event.key.length === 1 && event.key !== " ") {
      input.focus({ preventScroll: true }); // and the stroke lands there
    }
  }, true);

  input.addEventListener("input", (event) => {
    const at = performance.now();
    clearTimeout(silence);
    if ((event as InputEvent).inputType !== "insertText") {
      gaps = [];
      latest = 0;
      return;
    }
    if (latest) gaps.push(at - latest);
    latest = at;
    if (input.value.length < 2) gaps = [];
    if (gaps.length >= SCANNER_MIN - 1 && median(gaps) <= SCANNER_GAP_MS && isWhole(input.value)) silence = setTimeout(end, SILENCE_MS);
  });

  // A tap on a button does its work and gives the field back; who walks by the keyboard stays where they are.
  document.addEventListener("pointerup", (event) => {
    if (event.target instanceof Element && event.target.closest("input, select, textarea, a, label")) return;
    setTimeout(() => input.focus({ preventScroll: true }), 0);
  });
}

function median(numbers: number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Infinity;
}
