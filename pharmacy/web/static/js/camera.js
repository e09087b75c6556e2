// Reads a label with the phone's camera and sends the form beside it, without a tap. Hand scanner
// and typing go on as they are, whatever the camera does. The markup is in templates/camera.html.

import { AGREED, AgreedCode, FOREIGN, PASSED_OVER, TWO } from './agreed-code.js';
import { close, hasLamp, impossible, light, open, toldOf } from './camera-stream.js';
import { prepare, textsIn } from './code-reader.js';

const ASKING_AFTER_MS = 1500;
const NOTHING_AFTER_MS = 8000;
const REMARK_MS = 3000;
const FRAME_MS = 60;
const LAST_BAG = 'twinbag-last-bag';
const ASKING = 'Allow the camera when the browser asks.';
const READ = 'Read.';
const panel = document.querySelector('[data-camera]');
const part = (name) => panel.querySelector(`[data-camera-${name}]`);
const [video, still, says, lamp, again, typing] = ['video', 'still', 'says', 'lamp', 'again', 'type'].map(part);
const named = (name) => document.getElementById(panel.dataset[name] || '');
const [field, box, typed] = ['camera', 'cameraWaits', 'cameraTyping'].map(named);
const { method } = field.form.elements;
const instruction = panel.dataset.cameraHint;
const remembers = 'cameraRemembers' in panel.dataset;
const REMARKS = {
  [FOREIGN]: 'That code belongs to something else. Show the code on our label.',
  [PASSED_OVER]: panel.dataset.cameraPassesOver,
  [TWO]: 'Two labels are in the picture. Show only one.',
};
const agreed = new AgreedCode();
const ink = still.getContext('2d', { willReadFrequently: true });

let turn = 0; // Whatever waits asks whether its turn is still on when it wakes.
let stream = null;
let reader = null;
let done = false;
let kept = '';
let resting = instruction;
let remarked = 0;
const clocks = new Set();

function say(text) {
  if (says.textContent !== text) says.textContent = text;
}

function later(ms, act) {
  const clock = setTimeout(act, ms);
  clocks.add(clock);
  return clock;
}

function hush(clock) {
  clearTimeout(clock);
  clocks.delete(clock);
}

function remark(text) {
  say(text);
  hush(remarked);
  remarked = later(REMARK_MS, () => say(resting));
}

function ready() {
  if (!reader) {
    reader = prepare();
    reader.catch(() => { reader = null; });
  }
  return reader;
}

function stop() {
  turn += 1;
  [...clocks].forEach(hush);
  if (stream) close(stream);
  stream = null;
  video.srcObject = null;
  lamp.hidden = true;
  lamp.setAttribute('aria-pressed', 'false');
}

function fail(reason) {
  stop();
  if (reason === 'reader') reader = null; // An engine that gave up is loaded anew.
  const told = toldOf(reason);
  panel.dataset.state = 'off';
  say(told.sentence);
  again.textContent = 'Try the camera again';
  again.hidden = !told.again;
}

/** The part of the frame that the person sees, drawn where the reader and the still find it. */
function picture() {
  const { videoWidth, videoHeight, clientWidth, clientHeight } = video;
  if (!videoWidth || !clientWidth) return null;
  const scale = Math.max(clientWidth / videoWidth, clientHeight / videoHeight);
  const width = Math.min(videoWidth, Math.round(clientWidth / scale));
  const height = Math.min(videoHeight, Math.round(clientHeight / scale));
  if (still.width !== width) still.width = width;
  if (still.height !== height) still.height = height;
  ink.drawImage(video, (videoWidth - width) / 2, (videoHeight - height) / 2, width, height, 0, 0, width, height);
  return ink.getImageData(0, 0, width, height);
}

function frame() {
  return new Promise((seen) => {
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(seen);
    else setTimeout(seen, FRAME_MS);
  });
}

function shake() {
  // A browser that was not touched yet would only complain.
  const touched = navigator.userActivation && navigator.userActivation.hasBeenActive;
  if (touched && navigator.vibrate) navigator.vibrate(80);
}

/** Say how the code came in, where the form asks. */
function tell(how) {
  if (method) method.value = how;
}

function send() {
  say(READ);
  field.form.requestSubmit();
}

function read(code) {
  done = true;
  panel.dataset.state = 'read';
  stop();
  shake();
  typing.hidden = true;
  field.value = code;
  tell('camera');
  if (!box || box.checked) {
    send();
    return;
  }
  kept = code;
  say('Card read. Tick the box once the person has said both.');
  again.textContent = 'Read another card';
  again.hidden = false;
}

async function watch(mine) {
  const passedOver = (panel.dataset.cameraPassesOver && sessionStorage.getItem(LAST_BAG)) || '';
  for (let count = 0; mine === turn; count += 1) {
    await frame();
    const seen = mine === turn && picture();
    if (!seen) continue;
    const search = { several: agreed.wantsAll, denoise: count % 2 === 1 };
    const texts = await textsIn(seen, search).catch(() => null);
    if (mine !== turn) return;
    if (!texts) {
      fail('reader');
      return;
    }
    const [standing, code] = agreed.take(texts, passedOver);
    if (standing === AGREED) read(code);
    else if (REMARKS[standing]) remark(REMARKS[standing]);
  }
}

async function show(mine) {
  stream.getVideoTracks()[0].addEventListener('ended', () => mine === turn && fail('ended'));
  video.srcObject = stream;
  await video.play();
  panel.dataset.state = 'live';
  lamp.hidden = !hasLamp(stream);
  say(instruction);
  later(NOTHING_AFTER_MS, () => {
    resting = `Nothing read yet. Hold the label flat, ${lamp.hidden ? 'find more light' : 'use the light'}, or type the code.`;
    say(resting);
    typing.hidden = false;
  });
}

async function start() {
  const reason = impossible();
  if (done || stream || document.hidden) return;
  stop();
  const mine = turn;
  if (reason) {
    fail(reason);
    return;
  }
  panel.dataset.state = 'starting';
  resting = instruction;
  again.hidden = true;
  typing.hidden = true;
  agreed.forget();
  const asking = later(ASKING_AFTER_MS, () => say(ASKING));
  const reading = ready().then(() => '', () => 'reader');
  try {
    const opened = await open();
    if (mine !== turn) {
      close(opened);
      return;
    }
    stream = opened;
    hush(asking);
    await show(mine);
    const missing = await reading;
    if (mine !== turn) return;
    if (missing) fail(missing);
    else await watch(mine);
  } catch (error) {
    // A camera that is refused, missing or taken away ends here.
    if (mine === turn) fail(error.name);
  }
}

function afresh() {
  if (kept) field.value = '';
  tell('scanner');
  done = false;
  kept = '';
  start();
}

lamp.addEventListener('click', async () => {
  const on = lamp.getAttribute('aria-pressed') !== 'true';
  if (stream && (await light(stream, on))) lamp.setAttribute('aria-pressed', String(on));
});
again.addEventListener('click', afresh);
typing.addEventListener('click', () => {
  if (typed.matches('details')) typed.open = true;
  (typed.querySelector('input[type=text]') || typed).focus();
});
field.addEventListener('input', () => {
  tell('scanner');
});
if (box) {
  box.addEventListener('change', () => {
    if (box.checked && kept && field.value === kept) send();
  });
}
document.addEventListener('submit', (event) => {
  if (event.defaultPrevented) return;
  const code = event.target.elements.code;
  // The phone still points at this bag when the next page asks for the card.
  if (remembers && code) sessionStorage.setItem(LAST_BAG, code.value.toUpperCase().replace(/[^0-9A-Z]/g, ''));
  done = true;
  stop();
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) stop();
  else start();
});
window.addEventListener('pagehide', stop);
window.addEventListener('pageshow', (event) => {
  if (event.persisted) afresh();
});
start();
