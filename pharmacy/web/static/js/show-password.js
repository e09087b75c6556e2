// Brings the Show button of a password field to life.

for (const button of document.querySelectorAll('button[data-show-password]')) {
  const input = document.getElementById(button.dataset.showPassword);
  if (!input) continue;
  const word = button.firstChild;
  const show = (shown) => {
    input.type = shown ? 'text' : 'password';
    word.textContent = shown ? 'Hide' : 'Show';
    button.setAttribute('aria-pressed', String(shown));
  };
  button.hidden = false;
  button.addEventListener('click', () => {
    show(input.type === 'password');
    input.focus();
  });
  // A password is never sent, or offered to be remembered, as plain text.
  if (input.form) input.form.addEventListener('submit', () => show(false));
}
