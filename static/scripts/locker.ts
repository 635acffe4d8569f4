// The page of a compartment: asks whether there is news, and loads anew only then. Without this file it reloads itself.

const compartment = document.getElementById("locker");
if (compartment?.dataset.key) watch(compartment.dataset.key, compartment.dataset.state ?? "");

function watch(key: string, url: string): void {
  let pause = 2_000;
  const look = async (): Promise<void> => {
    if (document.visibilityState === "visible") {
      try {
        const answer = await fetch(url, { cache: "no-store" });
        const told = (await answer.json()) as { key?: string };
        if (answer.ok && told.key !== key) {
          location.reload();
          return;
        }
        pause = 2_000;
      } catch {
        pause = Math.min(pause * 2, 30_000); // no network: it may come back
      }
    }
    setTimeout(() => void look(), pause);
  };
  setTimeout(() => void look(), pause);
}
