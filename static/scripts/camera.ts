// The camera as a scanner: pictures go to a worker, what it reads comes back as scans. A code that stays in sight is one
// scan; of several codes in one picture the pass comes first, so that pass and tag side by side are a whole hand-in.

import { h, icon } from "./till/dom";
import { passCodes, read } from "./till/reading";

const LOOK_EVERY_MS = 120;
/** How long a code has to be out of sight to count as scanned anew. */
const GONE_AFTER_MS = 2_500;
const WIDE = 1280;

export interface Settings {
  worker: string;
  wasm: string;
  words: { close: string; torch: string; refused: string; failed: string };
  found(text: string): void;
  closed(said: string): void;
}

export interface CameraModule {
  open(before: Element, settings: Settings): Promise<Camera>;
}

export async function open(before: Element, settings: Settings): Promise<Camera> {
  const camera = new Camera(before, settings);
  await camera.start();
  return camera;
}

/** Tells a code that is still in sight from one that came back. */
export class Sight {
  private readonly seen = new Map<string, number>();

  fresh(texts: string[], at: number): string[] {
    const news = texts.filter((text) => at - (this.seen.get(text) ?? -Infinity) > GONE_AFTER_MS);
    for (const text of texts) this.seen.set(text, at);
    return [...new Set(news)].sort((one, other) => Number(isPass(other)) - Number(isPass(one)));
  }
}

function isPass(text: string): boolean {
  return passCodes(text).length > 0 && read(text).tag === null;
}

export class Camera {
  private readonly video = h("video", { playsinline: true, muted: true, "aria-hidden": "true" });
  private readonly bar = h("div", { class: "camera__bar" });
  private readonly element = h("div", { class: "camera", id: "camera" }, this.video, this.bar);
  private readonly canvas = document.createElement("canvas");
  private readonly worker: Worker;
  private readonly sight = new Sight();
  private stream: MediaStream | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(before: Element, private readonly settings: Settings) {
    this.worker = new Worker(settings.worker, { type: "module" });
    this.worker.addEventListener("message", (event: MessageEvent<{ texts?: string[]; failed?: string }>) => {
      if (event.data.failed) return this.close(settings.words.failed);
      for (const text of this.sight.fresh(event.data.texts ?? [], performance.now())) settings.found(text);
      this.timer = setTimeout(() => this.look(), LOOK_EVERY_MS);
    });
    this.worker.addEventListener("error", () => this.close(settings.words.failed));
    this.worker.postMessage({ wasm: settings.wasm });
    before.before(this.element);
    document.addEventListener("visibilitychange", this.hidden);
  }

  async start(): Promise<void> {
    try {
      const wanted = { facingMode: "environment", width: { ideal: WIDE }, height: { ideal: 720 } };
      this.stream = await navigator.mediaDevices.getUserMedia({ video: wanted });
    } catch {
      return this.close(this.settings.words.refused);
    }
    this.video.srcObject = this.stream;
    this.video.muted = true;
    await this.video.play();
    this.addTorch();
    this.addButton("close", "no", () => this.close(""));
    this.look();
  }

  close(said: string): void {
    clearTimeout(this.timer);
    this.worker.terminate();
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    document.removeEventListener("visibilitychange", this.hidden);
    this.element.remove();
    this.settings.closed(said);
  }

  /** A camera that runs where nobody looks drains the battery. */
  private readonly hidden = (): void => {
    if (document.hidden) this.close("");
  };

  private look(): void {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) {
      this.timer = setTimeout(() => this.look(), LOOK_EVERY_MS);
      return;
    }
    const scale = Math.min(1, WIDE / width);
    this.canvas.width = width * scale;
    this.canvas.height = height * scale;
    const drawing = this.canvas.getContext("2d", { willReadFrequently: true }) as CanvasRenderingContext2D;
    drawing.drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    const frame = drawing.getImageData(0, 0, this.canvas.width, this.canvas.height);
    this.worker.postMessage({ frame }, [frame.data.buffer]);
  }

  private addTorch(): void {
    const [track] = this.stream?.getVideoTracks() ?? [];
    const can = track?.getCapabilities?.() as { torch?: boolean } | undefined;
    if (!track || !can?.torch) return;
    let on = false;
    const button = this.addButton("torch", "torch", () => {
      on = !on;
      button.setAttribute("aria-pressed", String(on));
      void track.applyConstraints({ advanced: [{ torch: on } as MediaTrackConstraintSet] }).catch(() => undefined);
    });
    button.setAttribute("aria-pressed", "false");
  }

  private addButton(name: "close" | "torch", drawn: string, act: () => void): HTMLElement {
    const button = h("button", { type: "button", class: "button", click: act }, icon(drawn), this.settings.words[name]);
    this.bar.append(button);
    return button;
  }
}
