// "Near me": the browser says where it is, rounded to some ten metres, and the page is asked for what is near there.

export function addNearMe(form: HTMLFormElement, words: Record<string, string>): void {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--second button--small near-me";
  button.append(targetIcon(), words.nearMe ?? "");
  const said = document.createElement("p");
  said.className = "field__error";
  said.setAttribute("role", "status");
  form.querySelector(".find__label")?.append(button);
  form.append(said);

  button.addEventListener("click", () => {
    button.disabled = true;
    said.textContent = "";
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        const fields = new FormData(form);
        fields.delete("q");
        fields.delete("country");
        fields.set("near", `${coords.latitude.toFixed(4)},${coords.longitude.toFixed(4)}`);
        location.assign(`/find?${new URLSearchParams(fields as unknown as Record<string, string>)}`);
      },
      ({ code, PERMISSION_DENIED }) => {
        button.disabled = false;
        said.textContent = (code === PERMISSION_DENIED ? words.nearMeRefused : words.nearMeFailed) ?? "";
      },
      { maximumAge: 60_000, timeout: 10_000 },
    );
  });
  // Coming back by the history, the page stands as it was left.
  addEventListener("pageshow", () => (button.disabled = false));
}

function targetIcon(): SVGElement {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({
    viewBox: "0 0 24 24",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2.25",
    "stroke-linecap": "round",
    "aria-hidden": "true",
  })) {
    svg.setAttribute(name, value);
  }
  const path = document.createElementNS(svg.namespaceURI as string, "path");
  path.setAttribute("d", "M12 2v3m0 14v3M2 12h3m14 0h3M18.5 12a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0zM12 12h.01");
  svg.append(path);
  return svg;
}
