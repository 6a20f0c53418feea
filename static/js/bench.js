// The score sheet: autosave, keys and counts. Without this module the sheet still saves and finishes by its buttons.
//
// The page gives <form data-bench data-draft-url data-version data-hold data-single-keys="on|off" data-words="{…}">,
// a fieldset[data-criterion] per criterion with radios level-CODE and a textarea comment-CODE, a textarea "comment",
// a [data-save-state] and a [data-scored] element. What is said to the reader comes translated from data-words.

const form = document.querySelector("form[data-bench]");
if (form) start(form);

function start(form) {
  const words = JSON.parse(form.dataset.words);
  const state = document.querySelector("[data-save-state]");
  const scored = document.querySelector("[data-scored]");
  const dialog = document.querySelector("dialog[data-bench-dialog]");
  const criteria = [...form.querySelectorAll("[data-criterion]")];
  const key = `draft:${form.dataset.hold}`;
  let version = Number(form.dataset.version);
  let dirty = false, sending = false, stopped = false, timer = 0, pause = 2000, said = "";

  document.documentElement.classList.add("scripted");
  document.documentElement.classList.remove("no-script");

  function sheet() {
    const levels = {}, comments = {};
    for (const fieldset of criteria) {
      const code = fieldset.dataset.criterion;
      const chosen = fieldset.querySelector("input:checked");
      levels[code] = chosen ? Number(chosen.value) : null;
      comments[code] = fieldset.querySelector("textarea").value;
    }
    return { levels, comments, comment: form.elements.comment.value };
  }

  function fill(kept) {
    for (const fieldset of criteria) {
      const code = fieldset.dataset.criterion;
      const level = kept.levels[code];
      for (const radio of fieldset.querySelectorAll("input")) radio.checked = Number(radio.value) === level;
      fieldset.querySelector("textarea").value = kept.comments[code] ?? "";
    }
    form.elements.comment.value = kept.comment ?? "";
  }

  function say(kind, text) {
    state.textContent = text;
    // The live region speaks when the kind of state changes, not at every save.
    if (kind !== said) document.querySelector("[data-live]").textContent = text;
    said = kind;
  }

  function count() {
    const done = criteria.filter((fieldset) => fieldset.querySelector("input:checked")).length;
    scored.textContent = words.scored.replace("{n}", done).replace("{m}", criteria.length);
  }

  function keep() {
    try {
      localStorage.setItem(key, JSON.stringify({ version, at: Date.now(), sheet: sheet() }));
    } catch { /* a full or closed store must not stop the grading */ }
  }

  function edited() {
    dirty = true;
    keep();
    count();
    clearTimeout(timer);
    timer = setTimeout(save, 600);
  }

  async function save(options = {}) {
    clearTimeout(timer);
    if (stopped || !dirty) return;
    if (sending) { timer = setTimeout(save, 300); return; }
    sending = true;
    dirty = false;
    let answer;
    try {
      answer = await fetch(form.dataset.draftUrl, {
        method: "PUT",
        headers: {
          "Content-Type": "application/json",
          "If-Match": `"${version}"`,
          "X-CSRFToken": form.elements.csrf_token.value,
        },
        body: JSON.stringify(sheet()),
        redirect: "manual",
        ...options,
      });
    } catch {
      answer = { status: 0 };
    }
    sending = false;
    await understand(answer);
  }

  async function understand(answer) {
    if (answer.status === 200) {
      const body = await answer.json();
      version = body.version;
      form.elements.version.value = version;
      pause = 2000;
      if (!dirty) localStorage.removeItem(key);
      say("saved", words.saved.replace("{time}", body.saved_at_words));
      if (dirty) save();
      return;
    }
    dirty = true;
    if (answer.status === 0 || answer.status === 429 || answer.status >= 500) {
      say("waiting", words.waiting);
      timer = setTimeout(save, pause);
      pause = Math.min(pause * 2, 60000);
      return;
    }
    const body = await answer.json().catch(() => ({ message: "" }));
    if (answer.status === 401) return ask("signed_out", words.signed_out, words.signed_out_help, true);
    if (answer.status === 422 || answer.status === 413) {
      const faults = (body.faults ?? []).map((fault) => fault.message).join(" ");
      say("fault", `${words.not_saved} ${faults || body.message}`);
      return;
    }
    stopped = true;
    say("lost", `${words.not_saved} ${body.message}`);
    ask("lost", words.not_saved, `${body.message} ${words.kept}`, false);
  }

  function ask(kind, title, text, again) {
    say(kind, title);
    dialog.querySelector("h2").textContent = title;
    dialog.querySelector("p").textContent = text;
    dialog.querySelector("[data-again]").hidden = !again;
    dialog.querySelector("[data-reload]").hidden = again;
    if (!dialog.open) dialog.showModal();
  }

  dialog.querySelector("[data-again]").addEventListener("click", () => { dialog.close(); dirty = true; save(); });
  dialog.querySelector("[data-reload]").addEventListener("click", () => { dirty = false; location.reload(); });

  form.addEventListener("input", edited);
  form.addEventListener("change", edited);
  form.addEventListener("submit", () => { stopped = true; dirty = false; clearTimeout(timer); });
  addEventListener("online", () => save());
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") save({ keepalive: true });
  });

  function restore() {
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(key)); } catch { localStorage.removeItem(key); }
    const fresh = kept && Date.now() - kept.at < 14 * 24 * 3600 * 1000;
    if (fresh && kept.version === version) {
      fill(kept.sheet);
      dirty = true;
      say("restored", words.restored);
      save();
    } else if (kept && !fresh) {
      localStorage.removeItem(key);
    }
  }

  // Keys. Single ones act only on the sheet, never on a field, a dialog or a held key.
  function current() {
    return criteria.find((fieldset) => fieldset.contains(document.activeElement)) ?? criteria[0];
  }
  function move(step) {
    const at = criteria.findIndex((fieldset) => fieldset.contains(document.activeElement));
    const next = criteria[at < 0 ? 0 : Math.min(Math.max(at + step, 0), criteria.length - 1)];
    (next.querySelector("input:checked") ?? next.querySelector("input")).focus();
  }
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.isComposing) return;
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      dirty = true;
      save();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      document.querySelector("button[value=finish]").click();
      return;
    }
    if (event.key === "Escape" && event.target.matches("[data-criterion] textarea")) {
      current().querySelector("input:checked, input").focus();
      return;
    }
    const inField = event.target.matches("textarea, select, input:not([type=radio])") || event.target.isContentEditable;
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (form.dataset.singleKeys !== "on" || inField || event.repeat) return;
    if (event.key === "?") { document.querySelector("[data-key-help]")?.showModal(); return; }
    if (modified) return;
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code);
    if (digit) {
      const radio = current().querySelectorAll("input")[Number(digit[1])];
      if (radio) { radio.checked = true; radio.focus(); edited(); event.preventDefault(); }
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "c") { current().querySelector("textarea").focus(); event.preventDefault(); }
  });
  for (const button of document.querySelectorAll("[data-open-key-help]")) {
    button.addEventListener("click", () => document.querySelector("[data-key-help]").showModal());
  }

  count();
  restore();
}
