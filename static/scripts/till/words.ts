// What the till says: it comes with the page, out of the server's one catalogue.

export interface Result {
  tone: string;
  icon: string;
  title: string;
  text: string;
  next: string;
}

export interface Words {
  /** Of verdicts and reasons. */
  results: Record<string, Result>;
  /** `[value, words, icon]`: why a thing is not taken. */
  reasons: [string, string, string][];
  says: Record<string, string>;
  /** `[one, many]`. */
  counts: Record<string, [string, string]>;
}

export class Speech {
  private readonly plural: Intl.PluralRules;

  constructor(private readonly words: Words, readonly language: string) {
    this.plural = new Intl.PluralRules(language || "en");
  }

  get reasons(): Words["reasons"] {
    return this.words.reasons;
  }

  say(name: string, values: Record<string, string> = {}): string {
    return fill(this.words.says[name] ?? "", values);
  }

  count(name: string, number: number): string {
    const [one, many] = this.words.counts[name] ?? ["", ""];
    return fill(this.plural.select(number) === "one" ? one : many, { n: String(number) });
  }

  result(name: string, values: Record<string, string> = {}): Result {
    const found = this.words.results[name] ?? this.words.results.unknown;
    const { tone, icon, title, text, next } = found as Result;
    return { tone, icon, title: fill(title, values), text: fill(text, values), next: fill(next, values) };
  }

  number(value: number, digits: number): string {
    return value.toLocaleString(this.language || "en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  knows(name: string): boolean {
    return name in this.words.results;
  }
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
