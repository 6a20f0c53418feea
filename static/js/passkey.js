// Passkeys: a form that is sent once the browser's authenticator has answered what the page asks.
//
// The page gives <form data-passkey="get|create" data-options="{…}" data-words="{…}"> with a hidden input
// "assertion" and a [data-passkey-state] element. Without this module the
// element goes on saying what is missing, and the form is sent empty and refused.

const form = document.querySelector("form[data-passkey]");
if (form) start(form);

function bytes(text) {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

function known(list) {
  return (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
}

function start(form) {
  const words = JSON.parse(form.dataset.words);
  const state = form.querySelector("[data-passkey-state]");
  const button = form.querySelector("button");
  const creates = form.dataset.passkey === "create";
  let answered = false;
  state.textContent = "";

  async function ask() {
    const options = JSON.parse(form.dataset.options);
    options.challenge = bytes(options.challenge);
    options.allowCredentials = known(options.allowCredentials);
    options.excludeCredentials = known(options.excludeCredentials);
    if (!creates) return navigator.credentials.get({ publicKey: options });
    options.user.id = bytes(options.user.id);
    return navigator.credentials.create({ publicKey: options });
  }

  function plain(made) {
    const response = { clientDataJSON: text(made.response.clientDataJSON) };
    if (creates) {
      response.attestationObject = text(made.response.attestationObject);
    } else {
      response.authenticatorData = text(made.response.authenticatorData);
      response.signature = text(made.response.signature);
    }
    return { id: made.id, rawId: text(made.rawId), type: made.type, response };
  }

  form.addEventListener("submit", async (event) => {
    if (answered) return;
    event.preventDefault();
    if (!window.PublicKeyCredential) {
      state.textContent = words.missing;
      return;
    }
    button.disabled = true;
    state.textContent = words.waiting;
    try {
      form.elements.assertion.value = JSON.stringify(plain(await ask()));
      answered = true;
      form.requestSubmit();
    } catch (error) {
      const said = { InvalidStateError: words.known, SecurityError: words.missing };
      state.textContent = said[error.name] ?? words.cancelled;
    } finally {
      button.disabled = false;
    }
  });
}
