// Keeps the marked part of a page as fresh as its data-refresh says, in seconds. What is new is
// put in place; where the person is typing nothing moves. The request says that nobody asked for
// it, so that it does not keep a session open.

const part = document.querySelector('[data-refresh]');

async function refresh() {
  if (document.hidden || part.contains(document.activeElement)) return;
  const answer = await fetch(window.location.pathname, { headers: { 'X-Background': '1' } });
  if (answer.redirected) {
    window.location.reload();
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const found = fresh.querySelector('[data-refresh]');
  if (!found || part.contains(document.activeElement)) return;
  part.replaceChildren(...found.childNodes);
  document.title = fresh.title;
}

if (part) {
  part.setAttribute('aria-live', 'polite');
  // Without a signal the page stays as it is; the next turn asks again.
  const turn = () => refresh().catch(() => undefined);
  setInterval(turn, Number(part.dataset.refresh) * 1000);
  document.addEventListener('visibilitychange', turn);
}
