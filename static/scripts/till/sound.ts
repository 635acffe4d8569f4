// The sounds of the answers, for a clerk who looks at the customer: rising is good, low is bad, twice the same is "look".

type Tone = "good" | "wait" | "bad" | "info";

const NOTES: Record<Tone, [frequency: number, from: number, length: number][]> = {
  good: [[880, 0, 0.09], [1320, 0.1, 0.14]],
  wait: [[620, 0, 0.12], [620, 0.2, 0.12]],
  bad: [[180, 0, 0.38]],
  info: [[880, 0, 0.07]],
};

let context: AudioContext | undefined;

export function play(tone: string): void {
  try {
    context ??= new AudioContext();
    void context.resume();
    const start = context.currentTime;
    for (const [frequency, from, length] of NOTES[tone as Tone] ?? NOTES.info) {
      const note = context.createOscillator();
      const volume = context.createGain();
      note.type = tone === "bad" ? "square" : "sine";
      note.frequency.value = frequency;
      volume.gain.setValueAtTime(0.0001, start + from);
      volume.gain.exponentialRampToValueAtTime(0.25, start + from + 0.01);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + from + length);
      note.connect(volume).connect(context.destination);
      note.start(start + from);
      note.stop(start + from + length);
    }
  } catch {
    // A device without sound still has colour, icon and words.
  }
}
