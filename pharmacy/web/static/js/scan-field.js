// A field for hand scanners, which type like a keyboard and end with Enter.

const GROUP_SEPARATOR = '\u001d';
const field = document.querySelector('input[data-scan]');

function takesText(element) {
  return element.matches('input:not([type=checkbox]):not([type=radio]):not([type=button]), textarea, select')
    || element.isContentEditable;
}

function insert(text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, 'end');
}

if (field) {
  let sent = false;

  // A scan lands in the field wherever the focus rests, unless the person is writing elsewhere.
  document.addEventListener('keydown', (event) => {
    const active = document.activeElement || document.body;
    if (active === field || takesText(active) || active.closest('dialog, [popover]')) return;
    const typed = event.key.length === 1 && event.key !== ' ';
    if (typed && !event.ctrlKey && !event.metaKey && !event.altKey) field.focus();
  });

  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (sent || field.value.trim() === '')) event.preventDefault();
    // Scanners send the separator of GS1 element strings as Ctrl and ].
    if (event.ctrlKey && event.key === ']') {
      event.preventDefault();
      insert(GROUP_SEPARATOR);
    }
  });

  if (field.form) {
    field.form.addEventListener('submit', (event) => {
      if (event.defaultPrevented) return;
      sent = true;
    });
  }

  window.addEventListener('pageshow', (event) => {
    sent = false;
    if (event.persisted) {
      field.value = '';
      field.focus();
    }
  });
}
