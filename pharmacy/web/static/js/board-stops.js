// Shows a Stop on the open board the moment it comes. Asking moves no clock, so the room still
// locks by itself; when the answer is no number any more, the asking ends.

const ASK_EVERY_MS = 5000;

for (const notice of document.querySelectorAll('[data-stops]')) {
  const count = notice.querySelector('[data-stops-count]');

  const ask = async () => {
    if (document.hidden) return;
    let unseen;
    try {
      const answer = await fetch(notice.dataset.stops, { redirect: 'manual', cache: 'no-store' });
      ({ unseen } = await answer.json());
    } catch {
      return; // No network, or led to the door: the next page says so.
    }
    if (!Number.isInteger(unseen) || String(unseen) === count.textContent) return;
    count.textContent = String(unseen);
    notice.hidden = unseen === 0;
  };

  setInterval(ask, ASK_EVERY_MS);
  document.addEventListener('visibilitychange', ask);
}
