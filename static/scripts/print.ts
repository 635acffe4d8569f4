// The page of a label: the browser's print dialog at one tap, and the label printer through `dropoff print-bridge`, which
// listens on this machine. The pairing token is kept on this device alone.

const BRIDGE = "http://127.0.0.1:9109/print";
const KEPT = "dropoff.print-bridge";

const link = document.querySelector<HTMLAnchorElement>("a[data-print]");
if (link) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = link.dataset.print ?? "";
  button.addEventListener("click", () => print());
  link.classList.add("button--second");
  link.before(button);
  button.focus();
}

const card = document.querySelector<HTMLElement>("[data-bridge]");
if (card) addBridge(card);

function addBridge(card: HTMLElement): void {
  const form = document.createElement("form");
  form.className = "form";
  const name = document.createElement("label");
  name.htmlFor = "bridge-token";
  name.textContent = card.dataset.token ?? "";
  const field = document.createElement("input");
  field.id = "bridge-token";
  field.className = "input input--mono";
  field.autocomplete = "off";
  field.placeholder = "0123456789abcdef";
  field.value = localStorage.getItem(KEPT) ?? "";
  const button = document.createElement("button");
  button.className = "button button--full";
  button.textContent = card.dataset.send ?? "";
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  form.append(name, field, button, said);
  card.append(form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    said.textContent = (await send(card, field.value.trim())) ?? "";
    button.disabled = false;
  });
}

async function send(card: HTMLElement, token: string): Promise<string | undefined> {
  const { zpl, sent, off, wrong, refused } = card.dataset;
  const label = await fetch(zpl ?? "");
  if (!label.ok) return label.statusText;
  let answer: Response;
  try {
    answer = await fetch(BRIDGE, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/zpl" },
      body: await label.text(),
    });
  } catch {
    return off; // nobody listens, or it prints for another origin
  }
  if (answer.ok) localStorage.setItem(KEPT, token);
  return answer.ok ? sent : answer.status === 401 ? wrong : answer.status === 502 ? refused : answer.statusText;
}
