// Elements without a framework. Icons are drawn by the server and lie in the page as templates.

type Child = Node | string | null | undefined | false;

export function h<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Record<string, string | boolean | ((event: Event) => void)> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child): child is Node | string => !!child || child === ""));
  return made;
}

export function icon(name: string): Node {
  const drawn = document.getElementById(`icon-${name}`) as HTMLTemplateElement | null;
  return drawn ? drawn.content.cloneNode(true) : document.createTextNode("");
}
