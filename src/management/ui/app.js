// The shell: who is signed in, the menu, the page that the hash names.

import { html, render } from './lib/html.js';
import { effect, signal, untracked } from './lib/signal.js';
import { route, go, to, setQuery } from './lib/router.js';
import { theme, credentials, vhostChosen } from './lib/settings.js';
import { me, may, knowMe, signOut, LostError } from './lib/api.js';
import { connection, paused, watch, refresh } from './lib/live.js';
import { begin } from './lib/stream.js';
import { empty, failed, icon } from './lib/ui.js';
import { options } from './lib/forms.js';
import { listenToKeys, showHelp } from './lib/keys.js';
import { MENU, find } from './routes.js';
import signInView from './pages/sign-in.js';

const page = signal(null);
const startError = signal(null);
const isMenuOpen = signal(false);
const now = signal(Date.now());

setInterval(() => connection.peek().state === 'lost' && now.set(Date.now()), 500);

/** One page at a time; what it watches ends with it. */
async function show(found) {
  const watches = [];
  page.peek()?.stop();
  const current = { stop: () => watches.forEach((one) => one.stop()), view: () => html`<div class="loading" role="status">Loading…</div>`, title: '' };
  page.set(current);
  const context = {
    params: found.params,
    watch: (path) => {
      const one = watch(path);
      watches.push(one);
      return one;
    },
  };
  try {
    const module = await import(`./pages/${found.module}.js`);
    if (page.peek() !== current) return;
    const made = untracked(() => module.default(context));
    page.set({ ...current, ...made });
  } catch (error) {
    page.set({ ...current, title: 'Error', view: () => failed(error) });
  }
  isMenuOpen.set(false);
}

const notThere = {
  title: 'Not found',
  stop: () => {},
  view: () => empty('There is no such page', 'The address may be of a plugin that this broker does not have.', null),
};

let shownPath = null;
effect(() => {
  const isIn = me() !== null;
  const { parts, path } = route();
  if (parts[0] === 'logout') return void (signOut(), go('#/'));
  if (!isIn || path === shownPath) return;
  const isFirst = shownPath === null;
  shownPath = path;
  const found = find(parts);
  untracked(() => {
    if (found) show(found).then(() => isFirst || arrive());
    else page.set(notThere);
  });
});

/** After a change of the page the keyboard goes on at its heading. */
function arrive() {
  scrollTo(0, 0);
  requestAnimationFrame(() => document.querySelector('h1')?.focus({ preventScroll: true }));
}

effect(() => {
  if (me() === null) {
    page.peek()?.stop();
    page.set(null);
    shownPath = null;
  }
});

effect(() => {
  const title = me() === null ? 'Sign in' : page()?.title;
  document.title = title ? `${title} · Leveret` : 'Leveret';
});

// A virtual host in the URL is the one chosen from there on.
effect(() => {
  const { vhost } = route().query;
  if (vhost !== undefined) vhostChosen.set(vhost);
});

const menuEntry = ([path, title, image, key, tag]) => {
  if (tag && !may(tag)) return null;
  const isHere = (route().parts[0] ?? '') === path;
  return html`<li><a href=${path ? to([path]) : '#/'} aria-current=${isHere ? 'page' : null} title=${`g ${key}`}>${icon(image)}<span>${title}</span></a></li>`;
};

const menu = () => html`<nav class="menu" id="menu" aria-label="Pages">
  ${MENU.map(([heading, entries]) => html`${heading ? html`<p>${heading}</p>` : null}<ul>${entries.map(menuEntry)}</ul>`)}
  <div class="menu-foot"><a href="api/index.html">HTTP API</a><button type="button" class="quiet" @click=${showHelp}>Keyboard <kbd>?</kbd></button></div></nav>`;

function connectionView() {
  const { state, retry } = connection();
  if (state === 'lost') return html`<span class="live lost"><i></i><span>No connection</span></span>`;
  const isPaused = paused();
  return html`<button type="button" class="live quiet ${isPaused ? 'paused' : ''}" aria-pressed=${String(isPaused)} @click=${() => paused.set(!isPaused)}
    title=${isPaused ? 'Updates are paused. Press to go on' : 'Updated as it happens. Press to pause'}><i></i><span>${isPaused ? 'Paused' : 'Live'}</span></button>`;
}

const vhosts = signal(null);
let vhostWatch = null;
effect(() => {
  vhostWatch?.stop();
  vhosts.set(null);
  vhostWatch = me() ? untracked(() => watch('/api/vhosts?columns=name')) : null;
});
effect(() => {
  const live = vhostWatch;
  if (me() && live?.().data) vhosts.set(live().data.map((one) => one.name));
});

function vhostChoice() {
  if ((vhosts()?.length ?? 0) < 2) return null;
  const choose = ({ target }) => {
    vhostChosen.set(target.value);
    if (route.peek().parts.length < 2) setQuery({ vhost: target.value });
  };
  return html`<select class="vhost" aria-label="Virtual host shown" .value=${vhostChosen()} @change=${choose}>
    <option value="">All virtual hosts</option>${options(vhosts(), vhostChosen())}</select>`;
}

const THEMES = { system: ['light', 'system', 'Theme: as the system'], light: ['dark', 'sun', 'Theme: light'], dark: ['system', 'moon', 'Theme: dark'] };

function themeButton() {
  const [next, image, label] = THEMES[theme()];
  return html`<button type="button" class="quiet" aria-label=${label} title=${label} @click=${() => theme.set(next)}>${icon(image)}</button>`;
}

const bar = () => html`<header class="bar">
  <button type="button" class="quiet menu-button" aria-expanded=${String(isMenuOpen())} aria-controls="menu" aria-label="Menu" @click=${() => isMenuOpen.set(!isMenuOpen())}>${icon('menu')}</button>
  <a class="brand" href="#/">${icon('leveret')}<span>Leveret</span></a>
  <span class="grow"></span>${vhostChoice()}${connectionView()}${themeButton()}
  <span class="who" title=${(me().tags ?? []).join(', ')}>${icon('user')}<span>${me().name}</span></span>
  <button type="button" class="quiet" aria-label="Sign out" title="Sign out" @click=${() => signOut()}>${icon('leave')}</button></header>`;

function lostBanner() {
  const { state, retry } = connection();
  if (state !== 'lost') return null;
  const seconds = Math.max(0, Math.ceil((retry - now()) / 1000));
  return html`<div class="lost-banner" role="alert">${icon('warning')}<span>The broker does not answer. What is shown is from before.
    ${seconds ? `Trying again in ${seconds} s.` : 'Trying again …'}</span><button type="button" class="plain small" @click=${refresh}>Try now</button></div>`;
}

/** Who may use no virtual host is told why everything is empty. */
function strangerNotice() {
  if (vhosts()?.length !== 0 || may('monitoring')) return null;
  return html`<div class="verdict notice">${icon('key')}<span>${me().name} may use no virtual host, so nothing is shown. An administrator can give permissions: <code>rabbitmqctl set_permissions ${me().name} ".*" ".*" ".*"</code></span></div>`;
}

const shell = () => html`<a class="skip" href="#main" @click=${(event) => { event.preventDefault(); document.getElementById('main').focus(); }}>To the content</a>
  ${bar()}<div class="frame ${isMenuOpen() ? 'menu-open' : ''}">${menu()}
  <main id="main" tabindex="-1">${lostBanner()}${strangerNotice()}${page()?.view()}</main></div>`;

const waiting = () => (startError() ? html`<main class="sign-in">${failed(startError())}<p>This page tries again by itself.</p></main>` : null);

async function start() {
  try {
    if (credentials.peek()) begin();
    await knowMe();
    startError.set(null);
  } catch (error) {
    if (!(error instanceof LostError)) return;
    startError.set(error);
    setTimeout(start, 1500);
  }
}

listenToKeys(() => isMenuOpen.set(false));
await start();
effect(() => render(me() ? shell() : credentials() ? waiting() : signInView(), document.getElementById('app')));
