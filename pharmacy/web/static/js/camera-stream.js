// The phone's rear camera: opening it, its lamp, and what to say when it cannot be had.

const WANTED = {
  audio: false,
  video: { facingMode: { ideal: 'environment' }, width: { ideal: 1280 }, height: { ideal: 720 } },
};
const AGAIN = 'or use the hand scanner, or type the code.';
const OTHERWISE = 'Use the hand scanner, or type the code.';
const SENTENCES = {
  NotAllowedError: `The camera is not allowed. Allow it for this site in the browser's settings and try again, ${AGAIN}`,
  NotFoundError: `No camera was found on this device. ${OTHERWISE}`,
  OverconstrainedError: `No camera was found on this device. ${OTHERWISE}`,
  insecure: `The camera works only where the address begins with https. Tell the administrator. ${OTHERWISE}`,
  wasm: `This browser cannot read codes with the camera. ${OTHERWISE}`,
  reader: `The code reader could not be loaded. Try again when there is a signal, ${AGAIN}`,
};
const BUSY = `The camera does not answer. Close other apps that use it and try again, ${AGAIN}`;

/** What to say about a failure: the sentence for the person, and whether trying again can help. */
export function toldOf(reason) {
  return { sentence: SENTENCES[reason] || BUSY, again: reason !== 'insecure' && reason !== 'wasm' };
}

/** Why no camera can be had here at all; '' where one may be asked for. */
export function impossible() {
  if (!window.isSecureContext || !navigator.mediaDevices) return 'insecure';
  if (typeof WebAssembly === 'undefined') return 'wasm';
  return '';
}

/** Ask for the rear camera; the browser asks the person once. */
export async function open() {
  const stream = await navigator.mediaDevices.getUserMedia(WANTED);
  const [track] = stream.getVideoTracks();
  if (able(track, 'focusMode', 'continuous')) await set(track, { focusMode: 'continuous' });
  return stream;
}

/** Let the camera go; its light goes out. */
export function close(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/** Whether this camera has a lamp that a page may switch. */
export function hasLamp(stream) {
  return able(stream.getVideoTracks()[0], 'torch', true);
}

/** Switch the lamp; says whether it did. */
export async function light(stream, on) {
  return set(stream.getVideoTracks()[0], { torch: on });
}

function able(track, name, value) {
  const can = track.getCapabilities ? track.getCapabilities()[name] : undefined;
  return Array.isArray(can) ? can.includes(value) : can === value;
}

async function set(track, wish) {
  try {
    await track.applyConstraints({ advanced: [wish] });
    return true;
  } catch {
    return false; // A camera may say that it can and still refuse; the picture goes on without.
  }
}
