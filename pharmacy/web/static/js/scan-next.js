// Fields that are scanned one after the other: a scanner ends with Enter, which goes on to the
// next empty field and sends the form only after the last.

for (const group of document.querySelectorAll('[data-scan-in-turn]')) {
  const fields = [...group.querySelectorAll('input')];
  group.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    const next = fields.find((field) => field.value.trim() === '');
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
}
