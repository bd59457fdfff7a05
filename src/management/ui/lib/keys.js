// The keyboard: `/` filters, `g` and a letter goes to a page, `?` tells all of it.

import { html } from './html.js';
import { go, to } from './router.js';
import { open } from './dialog.js';
import { paused } from './live.js';
import { me } from './api.js';
import { MENU } from '../routes.js';

const WAIT_MS = 1200;
let wentAt = 0;

const isTyping = ({ target }) => target.matches?.('input:not([type=checkbox]), textarea, select, [contenteditable]');

function focusFilter() {
  const field = document.querySelector('input[data-filter="true"]') ?? document.querySelector('main input[type=search]');
  field?.focus();
  field?.select();
}

function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !me.peek() || document.querySelector('dialog[open]')) return;
  if (isTyping(event)) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const isSecond = event.timeStamp - wentAt < WAIT_MS;
  wentAt = 0;
  const entry = isSecond && MENU.flatMap(([, entries]) => entries).find(([, , , key]) => key === event.key);
  if (entry) go(entry[0] ? to([entry[0]]) : '#/');
  else if (event.key === 'g') wentAt = event.timeStamp;
  else if (event.key === '/') focusFilter();
  else if (event.key === '?') showHelp();
  else if (event.key === '.') paused.set(!paused.peek());
  else return;
  event.preventDefault();
}

export function listenToKeys(onEscape) {
  addEventListener('keydown', press);
  addEventListener('keydown', (event) => event.key === 'Escape' && onEscape());
}

export function showHelp() {
  const keys = [['/', 'filter the list'], ['.', 'pause or go on'], ['?', 'this help'], ['Esc', 'leave a field, close a window']];
  const places = MENU.flatMap(([, entries]) => entries).map(([, title, , key]) => [`g ${key}`, title]);
  const list = (all) => html`<dl class="keys">${all.map(([key, text]) => html`<div><dt>${key.split(' ').map((one) => html`<kbd>${one}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl>`;
  return open((close) => html`<div class="ask"><h2>Keyboard</h2><div class="two">${list(keys)}${list(places)}</div>
    <div class="buttons"><button type="button" class="plain" autofocus @click=${() => close()}>Close</button></div></div>`, { label: 'Keyboard' });
}
