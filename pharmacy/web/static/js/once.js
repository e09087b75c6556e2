// Sends a form once, however often its button is pressed. The server refuses a second
// operation_id anyway; this spares the person the refusal.

const DOWNLOAD_REST_MS = 4000;

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll('button[data-resting]')) {
    button.disabled = false;
    delete button.dataset.resting;
  }
}

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== 'post') return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = 'yes';
  // Later, because a disabled button's name and value are not sent.
  setTimeout(() => {
    for (const button of form.querySelectorAll('button[type="submit"]:not([disabled])')) {
      button.disabled = true;
      button.dataset.resting = 'yes';
    }
  }, 0);
  // A download leaves the page where it is.
  if ('download' in form.dataset) setTimeout(() => release(form), DOWNLOAD_REST_MS);
});

// Coming back by the back button shows the page as it was left.
window.addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) release(form);
});
