// What a scanned or typed text can be, by its look alone: the same rules as counter/reading.py and kernel/codes.py, both
// tested against tests/unit/scans.json. Whose number it is, and other networks' numbers, only the server knows.

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const SHORT_ALPHABET = "2346789ABCDEFGHJKMNPQRTUVWXYZ";
const CODE = new RegExp(`^[${CROCKFORD}]{16}$`);
const HALF_MIN = 8;
const DULL = 2;

export interface Reading {
  /** The pass codes that it may mean, likeliest first. */
  passes: string[];
  short: string | null;
  sscc: string | null;
  tag: string | null;
  /** Looks like a short code whose check character is wrong: a slip of the hand or of the ear. */
  slip: boolean;
}

/** A clerk's badge: the server knows whose. */
export const isBadge = (text: string): boolean => /^\s*clerk[2-9bcdfghjkmnprstvx]{20}\s*$/i.test(text);

/** Only A-Z and 0-9, in capitals; other alphabets are dropped before folding. */
export function signs(text: string): string {
  return text.replace(/[^\x00-\x7f]/g, "").toUpperCase().replace(/[^0-9A-Z]/g, "");
}

/** Without the second half when it says the first one again: a scanner that sent nothing between two reads. */
export function readOnce(text: string): string {
  const half = text.length / 2;
  if (text.length % 2 || half < HALF_MIN || new Set(text).size <= DULL) return text;
  const first = text.slice(0, half);
  return first.toUpperCase() === text.slice(half).toUpperCase() ? first : text;
}

/** False for an address whose code is still being typed, whatever a keyboard's layout made of its separators. */
export function isWhole(text: string): boolean {
  return !/^\s*http/i.test(text) || /[^a-z0-9][a-z0-9]{16}\s*$/i.test(text) || sscc(text) !== null;
}

function lookalikes(folded: string): string {
  return folded.replace(/O/g, "0").replace(/[IL]/g, "1");
}

export function passCodes(text: string): string[] {
  const last = lookalikes(signs(text)).slice(-16);
  if (!CODE.test(last)) return [];
  const swapped = last.replace(/[YZ]/g, (sign) => (sign === "Y" ? "Z" : "Y"));
  return swapped === last ? [last] : [last, swapped];
}

function looksShort(folded: string): boolean {
  return folded.length === 12 && [...folded].every((sign) => SHORT_ALPHABET.includes(sign));
}

function hasCheck(folded: string): boolean {
  const sum = [...folded.slice(0, 11)].reduce((all, sign, place) => all + (place + 1) * SHORT_ALPHABET.indexOf(sign), 0);
  return SHORT_ALPHABET[sum % 29] === folded[11];
}

function sscc(text: string): string | null {
  const digits = /^(?:\]C1)?(?:\(00\)|00|https?:\/\/.+\/00\/)?(\d{18})$/i.exec(text.trim())?.[1];
  if (!digits) return null;
  const sum = [...digits.slice(0, 17)].reduce((all, sign, place) => all + Number(sign) * (place % 2 ? 1 : 3), 0);
  return (10 - (sum % 10)) % 10 === Number(digits[17]) ? digits : null;
}

function tagOf(text: string): string | null {
  const folded = /^[\x00-\x7f]*$/.test(text) ? text.trim().toUpperCase() : text;
  if (!/^[A-Z0-9]{6,20}$/.test(folded)) return null;
  const other = CODE.test(lookalikes(folded)) || (looksShort(folded) && hasCheck(folded)) || /^(?:00)?\d{18}$/.test(folded);
  return other ? null : folded;
}

export function read(text: string): Reading {
  const folded = signs(text);
  const short = looksShort(folded);
  const right = short && hasCheck(folded);
  // A tag may have twelve signs too; hands and voices give a code in groups, and scanners do not group.
  const grouped = /^\s*\w{4}[ -]\w{4}[ -]\w{4}\s*$/.test(text);
  return {
    passes: passCodes(text),
    short: right ? folded : null,
    sscc: sscc(text),
    tag: tagOf(text),
    slip: grouped && folded.length === 12 && !right,
  };
}

/** Whether two scans mean the same pass, however they were typed. */
export function samePass(one: string, other: string): boolean {
  if (signs(one) === signs(other)) return true;
  const codes = passCodes(other);
  return passCodes(one).some((code) => codes.includes(code));
}
