// Counts the lit room's minutes down and leaves the page when they are over.

const WARN_SECONDS = [120, 60];

for (const clock of document.querySelectorAll('[data-countdown]')) {
  const text = clock.querySelector('[data-countdown-text]');
  const warning = document.querySelector('[data-countdown-warning]');
  const ends = Date.now() + Number(clock.dataset.countdown) * 1000;
  const still = new Set(WARN_SECONDS);
  let gone = false;

  const tick = () => {
    const left = Math.max(0, Math.round((ends - Date.now()) / 1000));
    const minutes = String(Math.floor(left / 60)).padStart(2, '0');
    text.textContent = `${minutes}:${String(left % 60).padStart(2, '0')}`;
    clock.classList.toggle('soon', left <= WARN_SECONDS[0]);
    for (const mark of WARN_SECONDS) {
      if (left <= mark && still.delete(mark) && left > mark - 30) {
        warning.textContent = `The room locks in ${mark / 60} ${mark === 60 ? 'minute' : 'minutes'}.`;
      }
    }
    if (left === 0 && !gone) {
      gone = true;
      document.body.hidden = true;
      window.location.replace(clock.dataset.countdownEnd);
    }
  };

  tick();
  setInterval(tick, 1000);
  // A sleeping computer stops the ticking, not the clock.
  document.addEventListener('visibilitychange', tick);
  window.addEventListener('pageshow', tick);
}
