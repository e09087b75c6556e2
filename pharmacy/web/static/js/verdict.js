// Makes a verdict heard and felt as well as seen. Browsers keep a page silent until it has been
// touched, so whatever could not sound at once sounds at the first touch.

const SIGNALS = {
  go: { vibrate: [120], tones: [[660, 0, 0.14], [880, 0.16, 0.26]], wave: 'sine' },
  stop: {
    vibrate: [400, 120, 400, 120, 400],
    tones: [[196, 0, 0.35], [196, 0.45, 0.35], [196, 0.9, 0.5]],
    wave: 'square',
  },
  neutral: { vibrate: [60], tones: [[523, 0, 0.12]], wave: 'sine' },
  received: { vibrate: [60, 80, 60], tones: [[523, 0, 0.1], [523, 0.18, 0.1]], wave: 'sine' },
};
const LOUDNESS = { sine: 0.35, square: 0.22 };

function play(context, { tones, wave }) {
  for (const [pitch, after, length] of tones) {
    const start = context.currentTime + after;
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.type = wave;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUDNESS[wave], start + 0.02);
    volume.gain.setValueAtTime(LOUDNESS[wave], start + length - 0.04);
    volume.gain.linearRampToValueAtTime(0, start + length);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + length);
  }
}

/** Sound and vibrate one verdict: 'go', 'stop', 'neutral' or 'received'. */
export function announce(kind) {
  const signal = SIGNALS[kind];
  if (!signal) return;
  const touched = navigator.userActivation ? navigator.userActivation.hasBeenActive : true;
  const shake = () => navigator.vibrate && navigator.vibrate(signal.vibrate);
  if (touched) shake();
  const context = window.AudioContext ? new AudioContext() : null;
  if (context && context.state === 'running') play(context, signal);
  if (touched && (!context || context.state === 'running')) return;

  let late = true;
  const catchUp = async () => {
    if (!late) return;
    late = false;
    if (!touched) shake();
    if (!context) return;
    await context.resume();
    play(context, signal);
  };
  for (const touch of ['pointerup', 'keydown']) document.addEventListener(touch, catchUp);
}

const screen = document.querySelector('[data-verdict]');
if (screen) {
  screen.querySelector('h1').focus({ preventScroll: true });
  announce(screen.dataset.verdict);
}
