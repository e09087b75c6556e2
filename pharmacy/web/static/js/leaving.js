// Says when a page of the open room is left, and answers for the pages that are still open.

const ANSWER_AFTER_MS = 2000;
const room = document.querySelector('[data-leave]');

if (room) {
  const token = room.querySelector('[name="csrf_token"]').value;
  const pages = 'BroadcastChannel' in window ? new BroadcastChannel('twinbag-room') : null;
  const say = (left) => {
    navigator.sendBeacon(room.dataset.leave, new URLSearchParams({ csrf_token: token, left }));
  };

  window.addEventListener('pagehide', () => {
    say(room.dataset.leaveMark);
    pages?.postMessage('left');
  });
  // Whoever hears it is a page that is still open. Its word must come after the other's.
  pages?.addEventListener('message', () => setTimeout(() => say(''), ANSWER_AFTER_MS));
  // Back from the browser's memory, where no page is asked for.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) say('');
  });
}
