// Sound: a tone and a voice for cues, and a metronome. Browsers allow it only after a tap.
const TONES = {
  // severity: [frequency in Hz, start in s, length in s] of each beep
  info: [[660, 0, 0.16]],
  notice: [[660, 0, 0.14], [880, 0.2, 0.18]],
  caution: [[880, 0, 0.14], [880, 0.22, 0.14], [1175, 0.44, 0.26]],
  stop: [[440, 0, 0.4], [330, 0.5, 0.4], [440, 1.0, 0.4], [330, 1.5, 0.6]],
};
const AHEAD_S = 0.2;
const TICK_MS = 60;
const LOUD = 0.5;

export class Sound {
  constructor() {
    this.context = null;
    this.muted = false;
    this.rate = null; // beats a minute, null while silent
    this.lock = null;
  }

  get unlocked() {
    return this.context !== null && this.context.state === "running";
  }

  get sounds() {
    return this.unlocked && !this.muted;
  }

  // Must be called from a tap.
  async unlock() {
    this.context ??= new AudioContext();
    await this.context.resume();
    globalThis.speechSynthesis?.getVoices(); // browsers load their voices when first asked
    await this.keepAwake();
  }

  async keepAwake() {
    if (!("wakeLock" in navigator) || document.visibilityState !== "visible") return;
    try {
      this.lock = await navigator.wakeLock.request("screen");
    } catch {
      this.lock = null; // Not granted: on battery saving, or over plain http.
    }
  }

  beep(frequency, at, length, loud = LOUD) {
    const tone = this.context.createOscillator();
    const gain = this.context.createGain();
    tone.frequency.value = frequency;
    tone.type = "triangle";
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(loud, at + 0.01);
    gain.gain.setTargetAtTime(0, at + length, 0.03);
    tone.connect(gain).connect(this.context.destination);
    tone.start(at);
    tone.stop(at + length + 0.3);
  }

  // Give a cue; says how it was given: "voice", "tone" or "shown".
  give(severity, words) {
    if (!this.sounds) return "shown";
    const start = this.context.currentTime + 0.02;
    for (const [frequency, at, length] of TONES[severity]) this.beep(frequency, start + at, length);
    const speech = globalThis.speechSynthesis;
    if (!speech?.getVoices().length) return "tone";
    const last = TONES[severity].at(-1);
    setTimeout(() => {
      speech.cancel();
      const said = new SpeechSynthesisUtterance(words);
      said.lang = "en";
      speech.speak(said);
    }, (last[1] + last[2]) * 1000);
    return "voice";
  }

  hush() {
    globalThis.speechSynthesis?.cancel();
  }

  beat(rate) {
    this.rate = rate;
    if (rate === null) {
      clearInterval(this.timer);
      this.timer = null;
      return;
    }
    if (this.timer) return;
    this.nextBeat = this.context.currentTime + 0.1;
    this.timer = setInterval(() => {
      const now = this.context.currentTime;
      if (this.nextBeat < now) this.nextBeat = now + 0.05; // a page that slept does not catch up
      while (this.nextBeat < now + AHEAD_S) {
        if (!this.muted) this.beep(1320, this.nextBeat, 0.03, 0.35);
        this.nextBeat += 60 / this.rate;
      }
    }, TICK_MS);
  }
}
