/** Two sounds that cannot be mistaken for one another in a noisy foyer: a rising chime, and a low double buzz. */

let context: AudioContext | null = null;

/** Browsers let a page be heard only after somebody touched it; a scanner's keys count as a touch. */
function audio(): AudioContext | null {
  if (typeof AudioContext === "undefined") return null;
  context ??= new AudioContext();
  if (context.state === "suspended") void context.resume();
  return context;
}

function tone(at: AudioContext, hertz: number, startS: number, lengthS: number, type: OscillatorType, loudness: number): void {
  const [oscillator, gain] = [at.createOscillator(), at.createGain()];
  oscillator.type = type;
  oscillator.frequency.value = hertz;
  const begin = at.currentTime + startS;
  gain.gain.setValueAtTime(0, begin);
  gain.gain.linearRampToValueAtTime(loudness, begin + 0.012);
  gain.gain.setValueAtTime(loudness, begin + lengthS * 0.6);
  gain.gain.exponentialRampToValueAtTime(0.0001, begin + lengthS);
  oscillator.connect(gain).connect(at.destination);
  oscillator.start(begin);
  oscillator.stop(begin + lengthS + 0.02);
}

export function sound(kind: "good" | "bad" | "away"): void {
  const at = audio();
  if (!at) return;
  if (kind === "good") {
    tone(at, 988, 0, 0.11, "sine", 0.35);
    tone(at, 1480, 0.1, 0.24, "sine", 0.35);
  } else if (kind === "bad") {
    tone(at, 160, 0, 0.22, "square", 0.28);
    tone(at, 130, 0.28, 0.34, "square", 0.28);
  } else {
    for (const start of [0, 0.18, 0.36]) tone(at, 520, start, 0.09, "triangle", 0.35);
  }
}
