// A record's page: the reader's own browser checks each published token with the issuer's published keys.
const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };

const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const read = (text) => JSON.parse(new TextDecoder().decode(bytes(text)));

async function fetched(url) {
  const answer = await fetch(url, { credentials: "omit", cache: "no-store" });
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer;
}

// True or false; an error where the question could not be asked.
async function holds(tokenUrl, keysUrl) {
  const token = (await (await fetched(tokenUrl)).text()).trim();
  const { keys } = await (await fetched(keysUrl)).json();
  const parts = token.split(".");
  if (parts.length !== 3) return false;
  const header = read(parts[0]);
  const jwk = keys.find((key) => key.kid === header.kid);
  if (header.alg !== "RS256" || !jwk) return false;
  const key = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
  const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
  return crypto.subtle.verify(algorithm, key, bytes(parts[2]), signed);
}

for (const place of document.querySelectorAll("[data-token]")) {
  let outcome = "open";
  try {
    outcome = (await holds(place.dataset.token, place.dataset.keys)) ? "good" : "bad";
  } catch {
    // Without a secure context there is no WebCrypto; that says nothing about the token.
  }
  place.textContent = place.dataset[outcome];
  place.dataset.outcome = outcome;
  place.hidden = false;
}
