// Every page: errors get the focus, and leaving the account leaves nothing on the device.
const summary = document.querySelector("[data-focus]");
if (summary) summary.focus();

for (const form of document.querySelectorAll("form[data-sign-out]")) {
  form.addEventListener("submit", () => {
    for (const key of Object.keys(localStorage)) {
      if (key.startsWith("draft:")) localStorage.removeItem(key);
    }
  });
}

// A finished sheet is safe on the server, so its copy on the device goes.
const finished = document.querySelector("[data-finished-hold]");
if (finished) localStorage.removeItem(`draft:${finished.dataset.finishedHold}`);
