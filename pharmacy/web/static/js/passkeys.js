// Asks the browser for a passkey and sends its answer with the form that the button stands in.
// What the page asks is in the page; nothing is fetched.

const MEANT = {
  NotAllowedError: 'Nothing was sent: it was closed, or took too long. Press the button again.',
  InvalidStateError: 'This device has a passkey of yours already. Use another device.',
  SecurityError: 'Passkeys belong to another address than this one. Open the usual address.',
  NotSupportedError: 'This device cannot make a passkey with finger, face or PIN. Use another.',
};
const OTHERWISE = 'The browser could not do it. Press the button again, or use a code.';

function bytes(text) {
  const plain = atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

const described = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

async function made(asked) {
  const credential = await navigator.credentials.create({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      user: { ...asked.user, id: bytes(asked.user.id) },
      excludeCredentials: described(asked.excludeCredentials),
    },
  });
  const { response } = credential;
  return said(credential, {
    clientDataJSON: text(response.clientDataJSON),
    attestationObject: text(response.attestationObject),
  });
}

async function shown(asked) {
  const credential = await navigator.credentials.get({
    publicKey: {
      ...asked,
      challenge: bytes(asked.challenge),
      allowCredentials: described(asked.allowCredentials),
    },
  });
  const { response } = credential;
  return said(credential, {
    clientDataJSON: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData),
    signature: text(response.signature),
  });
}

function said(credential, response) {
  const { id, rawId, type } = credential;
  return JSON.stringify({ id, rawId: text(rawId), type, response });
}

function wake(place) {
  const button = place.querySelector('[data-passkey-button]');
  const fault = place.querySelector('[data-passkey-error]');
  const asked = JSON.parse(place.dataset.passkeyOptions);
  const ask = place.dataset.passkey === 'make' ? made : shown;
  place.querySelector('[data-passkey-missing]').remove();
  button.hidden = false;
  button.addEventListener('click', async () => {
    const form = button.closest('form');
    // What is missing elsewhere in the form is said by the page, before the device is troubled.
    const empty = [...form.querySelectorAll('input[type="password"], [data-needed]')].find(
      (input) => !input.value && !input.closest('details'),
    );
    fault.textContent = '';
    if (empty) {
      fault.textContent = 'Fill in the fields above first.';
      empty.focus();
      return;
    }
    button.disabled = true;
    try {
      place.querySelector('input[name="passkey"]').value = await ask(asked);
      form.requestSubmit();
    } catch (error) {
      fault.textContent = MEANT[error.name] || OTHERWISE;
    } finally {
      button.disabled = false;
    }
  });
}

if (window.PublicKeyCredential && navigator.credentials) {
  for (const place of document.querySelectorAll('[data-passkey]')) wake(place);
}
