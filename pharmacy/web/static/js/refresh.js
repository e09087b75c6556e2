// Keeps the marked parts of a page as fresh as their data-refresh says, in seconds. What is new is
// put in place; where the person is typing nothing moves. Where the page's mark has changed, what
// can be done on it has too: it is opened anew, unless something was typed. The request says that
// nobody asked for it, so that it does not keep a session open.

const parts = [...document.querySelectorAll('[data-refresh]')];
const typedIn = (field) => field.type !== 'hidden'
  && (field.value !== field.defaultValue || field.checked !== field.defaultChecked);
const typed = () => [...document.querySelectorAll('input, textarea')].some(typedIn);
const busy = () => parts.some((part) => part.contains(document.activeElement));
const markOf = (page) => page.querySelector('[data-mark]')?.dataset.mark;

function open() {
  window.location.replace(window.location.pathname);
}

async function refresh() {
  if (document.hidden || busy()) return;
  const answer = await fetch(window.location.pathname, { headers: { 'X-Background': '1' } });
  if (answer.redirected) {
    window.location.reload();
    return;
  }
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  if (markOf(fresh) !== markOf(document) && !typed()) {
    open();
    return;
  }
  const found = [...fresh.querySelectorAll('[data-refresh]')];
  if (found.length !== parts.length || busy()) return;
  parts.forEach((part, place) => {
    if (part.innerHTML !== found[place].innerHTML) part.replaceChildren(...found[place].childNodes);
  });
  document.title = fresh.title;
}

if (parts.length) {
  for (const part of parts) if (!('quiet' in part.dataset)) part.setAttribute('aria-live', 'polite');
  // Without a signal the page stays as it is; the next turn asks again.
  const turn = () => refresh().catch(() => undefined);
  setInterval(turn, Number(parts[0].dataset.refresh) * 1000);
  document.addEventListener('visibilitychange', turn);
  // A page that the browser kept shows how things stood when it was left.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) turn();
  });
}
