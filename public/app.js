// Pages work without this file. With it, times count on and <main> follows the server while nobody is using the page.

const REFRESH_MS = 15_000;
const CALM_MS = 5_000;
let touchedAt = 0;

/** Seconds as the server words them: 12 s, 3 m 20 s, 4 h 05 m, 3 days. */
function ago(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} m ${String(s % 60).padStart(2, '0')} s`;
  if (s < 172_800) return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} m`;
  return `${Math.floor(s / 86_400)} days`;
}

// The server's clock counts: the page brings its instant along, and this browser only adds what has passed since.
let servedAt = 0;
let loadedAt = 0;
function readServedAt() {
  servedAt = Number(document.querySelector('meta[name="served-at"]')?.content ?? 0);
  loadedAt = performance.now();
}

function tick() {
  const now = servedAt + performance.now() - loadedAt;
  for (const node of document.querySelectorAll('time[data-ago]')) {
    node.textContent = `${ago((now - Date.parse(node.dateTime)) / 1000)} ago`;
  }
}

function isBusy() {
  if (document.hidden || performance.now() - touchedAt < CALM_MS) return true;
  if (String(getSelection() ?? '') !== '') return true;
  const active = document.activeElement;
  if (active !== null && active.matches('input, select, textarea')) return true;
  return document.querySelector('details[open]') !== null;
}

/** Focus and scroll positions survive: both are found again by their place in the page. */
function swap(fresh) {
  const main = document.querySelector('main');
  const places = [...main.querySelectorAll('.scroll')].map((node) => node.scrollLeft);
  const links = [...main.querySelectorAll('a, button, [tabindex]')];
  const focused = links.indexOf(document.activeElement);
  main.replaceChildren(...fresh.querySelector('main').childNodes);
  [...main.querySelectorAll('.scroll')].forEach((node, k) => (node.scrollLeft = places[k] ?? 0));
  if (focused >= 0) main.querySelectorAll('a, button, [tabindex]')[focused]?.focus({ preventScroll: true });
  document.querySelector('.synced')?.replaceWith(fresh.querySelector('.synced') ?? '');
  document.querySelector('meta[name="served-at"]').content = fresh.querySelector('meta[name="served-at"]').content;
  readServedAt();
}

async function refresh() {
  if (isBusy()) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: 'text/html' }, redirect: 'manual' });
    if (answer.type === 'opaqueredirect') location.reload();
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    if (!isBusy() && fresh.querySelector('main[data-refresh]') !== null) swap(fresh);
  } catch {
    // The manager does not answer just now: what is on the page stays, and "synced" keeps counting.
  }
}

for (const event of ['pointerdown', 'keydown', 'wheel', 'touchmove']) {
  addEventListener(event, () => (touchedAt = performance.now()), { passive: true });
}
for (const form of document.querySelectorAll('form[data-busy]')) {
  form.addEventListener('submit', () => {
    const button = form.querySelector('button');
    button.textContent = form.dataset.busy;
    button.setAttribute('aria-disabled', 'true');
  });
}
readServedAt();
tick();
setInterval(tick, 1000);
if (document.querySelector('main[data-refresh]') !== null) setInterval(() => void refresh(), REFRESH_MS);
// A page that comes back from the browser's memory may be hours old.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});
