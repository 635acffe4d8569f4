// Suggestions while typing, as WAI-ARIA's combobox with a list: the arrows walk, Enter takes, Escape closes, and the
// field alone has the focus. What is taken is sent as if it had been typed.

interface Suggestion {
  label: string;
  region: string | null;
  country: string;
}

const WAIT_MS = 120;
const SHORTEST = 2;

export function combobox(
  form: HTMLFormElement,
  input: HTMLInputElement,
  source: string,
  words: Record<string, string>,
): void {
  const list = document.createElement("ul");
  list.id = "suggestions";
  list.className = "suggestions";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", words.suggestions ?? "");
  list.hidden = true;
  const said = document.createElement("p");
  said.className = "unseen";
  said.setAttribute("role", "status");
  const frame = document.createElement("div");
  frame.className = "suggesting";
  input.replaceWith(frame);
  frame.append(input, list, said);
  const focused = input.autofocus;
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": list.id,
    "aria-expanded": "false",
    autocomplete: "off",
  })) {
    input.setAttribute(name, value);
  }
  if (focused) input.focus({ preventScroll: true });

  let found: Suggestion[] = [];
  let at = -1;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;

  function close(): void {
    clearTimeout(waiting);
    asking?.abort();
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function mark(next: number): void {
    at = next;
    [...list.children].forEach((option, number) => option.setAttribute("aria-selected", String(number === at)));
    const option = list.children[at];
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function take(number: number): void {
    const chosen = found[number];
    if (!chosen) return;
    input.value = chosen.label;
    const country = form.elements.namedItem("country");
    const field = country instanceof HTMLInputElement ? country : form.appendChild(document.createElement("input"));
    field.type = "hidden";
    field.name = "country";
    field.value = chosen.country;
    close();
    form.requestSubmit();
  }

  function show(items: Suggestion[], attribution: string): void {
    found = items;
    list.replaceChildren(
      ...items.map((item, number) => {
        const option = document.createElement("li");
        option.id = `suggestion-${number}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.append(item.label);
        if (item.region && !item.label.includes(item.region)) {
          const region = document.createElement("span");
          region.textContent = item.region;
          option.append(" ", region);
        }
        // Before the field loses the focus and the list closes.
        option.addEventListener("pointerdown", (event) => event.preventDefault());
        option.addEventListener("click", () => take(number));
        return option;
      }),
    );
    list.dataset.from = attribution;
    list.hidden = !items.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    mark(-1);
    said.textContent = items.length ? (words.suggested ?? "").replace("%d", String(items.length)) : "";
  }

  async function ask(text: string): Promise<void> {
    asking?.abort();
    asking = new AbortController();
    try {
      const fields = new URLSearchParams({ q: text, limit: "6" });
      const answer = await fetch(`${source}?${fields}`, { signal: asking.signal });
      if (!answer.ok) return close();
      const { items, attribution } = (await answer.json()) as { items: Suggestion[]; attribution: string };
      if (document.activeElement === input && input.value.trim() === text) show(items, attribution);
    } catch {
      // Another letter was typed meanwhile, or the network is away: the form goes on without suggestions.
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    // What was taken before named its country; what is typed now may be anywhere.
    const country = form.elements.namedItem("country");
    if (country instanceof HTMLInputElement) country.remove();
    const text = input.value.trim();
    if (text.length < SHORTEST) return close();
    waiting = setTimeout(() => void ask(text), WAIT_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    if (event.key === "ArrowDown" && open) mark(at + 1 < found.length ? at + 1 : -1);
    else if (event.key === "ArrowUp" && open) mark(at < 0 ? found.length - 1 : at - 1);
    else if (event.key === "Enter" && open && at >= 0) take(at);
    else if (event.key === "Escape" && open) close();
    else return;
    event.preventDefault();
  });
  input.addEventListener("blur", close);
  form.addEventListener("submit", close);
}
