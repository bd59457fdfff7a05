// Small pieces that every page is made of.

import { html } from './html.js';
import { signal } from './signal.js';
import { route, setQuery } from './router.js';

export const icon = (name) => html`<svg class="icon" aria-hidden="true"><use href="ui/icons.svg#${name}"></use></svg>`;

/** The head of a page: where it is, what it is, what can be done. */
export function head({ trail = [], title, badges, actions }) {
  return html`<header class="head">
    ${trail.length ? html`<nav class="trail" aria-label="Above this page">${trail.map(([text, link]) => html`<a href=${link}>${text}</a>`)}</nav>` : null}
    <h1 tabindex="-1">${title}</h1>
    ${actions ? html`<div class="actions">${actions}</div>` : null}
    ${badges ? html`<div class="badges">${badges}</div>` : null}
  </header>`;
}

/** A part of a page under a heading. */
export function panel(title, content, { actions, wide, id } = {}) {
  return html`<section class="panel ${wide ? 'wide' : ''}" id=${id} aria-label=${title}>
    <div class="panel-head"><h2>${title}</h2>${actions ? html`<div class="actions">${actions}</div>` : null}</div>
    ${content}
  </section>`;
}

/** Names and values, one below the other; what is undefined is left out. */
export function facts(pairs) {
  const given = pairs.filter(([, value]) => value !== undefined && value !== null && value !== '');
  return html`<dl class="facts">${given.map(([name, value, hint]) => html`<div><dt title=${hint}>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

export const badge = (text, kind = '', hint) => html`<span class="badge ${kind}" title=${hint}>${text}</span>`;

const GOOD = new Set(['running', 'up', 'flow', 'enabled', 'single_active']);
const BAD = new Set(['down', 'crashed', 'blocked', 'blocking', 'stopped', 'closed', 'closing', 'minority']);

/** A state, by colour and by word. */
export function state(text) {
  if (!text) return html`<span class="muted">–</span>`;
  const kind = GOOD.has(text) ? 'good' : BAD.has(text) ? 'bad' : 'idle';
  return html`<span class="state ${kind}">${text.replaceAll('_', ' ')}</span>`;
}

/** An error of the API, as it is. */
export function failed(error) {
  if (!error) return null;
  const where = error.request ? html`<code>${error.status} · ${error.request}</code>` : null;
  return html`<div class="failed" role="alert">${icon('warning')}<div><strong>${error.message}</strong>${where}</div></div>`;
}

/** What stands where nothing is: what to do next. */
export function empty(title, text, command) {
  return html`<div class="empty"><p class="empty-title">${title}</p>${text ? html`<p>${text}</p>` : null}${command ? copyable(command) : null}</div>`;
}

const copiedText = signal(null);
let copiedTimer;

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Pages that come neither from this machine nor over TLS may not write to the clipboard.
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  copiedText.set(text);
  clearTimeout(copiedTimer);
  copiedTimer = setTimeout(() => copiedText.set(null), 1500);
}

export function copyButton(text, label = 'Copy') {
  const done = copiedText() === text;
  return html`<button type="button" class="quiet copy" @click=${() => copy(text)} aria-label=${label} title=${label}>
    ${icon(done ? 'check' : 'copy')}<span aria-live="polite">${done ? 'Copied' : ''}</span></button>`;
}

/** A command or a snippet, to copy. */
export const copyable = (text) => html`<div class="copyable"><pre tabindex="0"><code>${text}</code></pre>${copyButton(text)}</div>`;

/** Whether this is there yet: an error, a wait, or the view of it. */
export function loaded(live, view) {
  const { data, error } = live();
  if (data === undefined) return error ? failed(error) : html`<div class="loading" role="status">Loading…</div>`;
  return html`${failed(error)}${view(data)}`;
}

/** A share of a whole as a bar; without a limit only the number. */
export function meter(value, most, text, label) {
  if (!most) return html`<span class="muted">${text}</span>`;
  const share = Math.min(1, value / most);
  return html`<span class="meter" title=${label}><span class="track"><span class="fill ${share >= 1 ? 'full' : ''}" style:width=${`${share * 100}%`}></span></span><span>${text}</span></span>`;
}

/** A tab that a small screen cuts off is brought in. */
function bringIn(id) {
  const tab = document.getElementById(`tab-${id}`);
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 40;
}

let broughtIn = '';

/** Sections of a page of which one is seen; which, is in the URL. */
export function tabs(name, choices) {
  const chosen = route().query[name] ?? choices[0].id;
  const current = choices.find((one) => one.id === chosen) ?? choices[0];
  const here = `${route().path} ${current.id}`;
  if (here !== broughtIn) requestAnimationFrame(() => bringIn(current.id));
  broughtIn = here;
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = choices[(choices.indexOf(current) + step + choices.length) % choices.length];
    setQuery({ [name]: next.id });
    requestAnimationFrame(() => document.getElementById(`tab-${next.id}`)?.focus());
  };
  const one = ({ id, title, count }) => html`<button type="button" role="tab" id=${`tab-${id}`} aria-selected=${String(id === current.id)}
    aria-controls=${id === current.id ? `panel-${id}` : null} tabindex=${id === current.id ? '0' : '-1'} @click=${() => setQuery({ [name]: id })}>${title}${count == null ? null : html`<span class="pill">${count}</span>`}</button>`;
  return html`<div class="tabs" role="tablist" @keydown=${move}>${choices.map(one)}</div>
    <div role="tabpanel" id=${`panel-${current.id}`} aria-labelledby=${`tab-${current.id}`} class="tab-panel">${current.view()}</div>`;
}

/** The seconds that charts reach back: in the URL. */
export const RANGES = [[60, 'Last minute'], [600, 'Last 10 minutes'], [3600, 'Last hour'], [28800, 'Last 8 hours'], [86400, 'Last day']];

export const range = () => Number(route().query.range) || 60;

export function rangeChoice() {
  return html`<select aria-label="Time shown" .value=${String(range())} @change=${(event) => setQuery({ range: event.target.value })}>
    ${RANGES.map(([seconds, text]) => html`<option value=${seconds}>${text}</option>`)}</select>`;
}
