// Definitions: everything declared, as a file, out and in. What an import would change is shown before it is done.

import { html } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { api, download, get, upload, ApiError } from '../lib/api.js';
import { vhostChosen } from '../lib/settings.js';
import { to } from '../lib/router.js';
import { count, plural } from '../lib/format.js';
import { attempt, tell } from '../lib/dialog.js';
import { badge, failed, head, icon, panel } from '../lib/ui.js';

/** What was chosen: {file, text, vhost}, and then {told, now} or an error. */
const chosen = signal(null);

const place = (vhost) => (vhost ? api('definitions', vhost) : '/api/definitions');
const whereTo = (vhost) => (vhost ? `the virtual host ${vhost}` : 'all virtual hosts, with users and permissions');

async function save() {
  try {
    const address = URL.createObjectURL(await download(place(vhostChosen())));
    const link = document.createElement('a');
    link.href = address;
    link.download = `definitions-${new Date().toISOString().slice(0, 10)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    tell('The definitions could not be had.', error);
  }
}

async function choose(file) {
  if (!file) return chosen.set(null);
  const picked = { file, text: await file.text(), vhost: vhostChosen() };
  await preview(picked);
}

/** Ask what would come of it; it changes nothing. */
async function preview(picked) {
  try {
    const given = JSON.parse(picked.text);
    const query = picked.vhost ? `?vhost=${encodeURIComponent(picked.vhost)}` : '';
    const [told, now] = await Promise.all([upload(`/dev/definitions/preview${query}`, picked.text), get(place(picked.vhost))]);
    chosen.set({ ...picked, given, told, now });
  } catch (error) {
    chosen.set({ ...picked, error: error instanceof SyntaxError ? new ApiError(0, 'That is no file of definitions', error.message) : error });
  }
}

async function send() {
  const picked = chosen.peek();
  if (await attempt(`${picked.file.name} was imported.`, () => upload(place(picked.vhost), picked.text))) await preview(picked);
}

export default function definitions() {
  return {
    title: 'Definitions',
    view: () => html`${head({ title: 'Definitions' })}<div class="stack">${exportPanel('Export')}${importPanel()}</div>`,
  };
}

function exportPanel(title, more = null) {
  return panel(title, html`<p>A file with everything that is declared in ${whereTo(vhostChosen())}: what RabbitMQ exports, and can import.</p>
    <div class="buttons below-it"><button type="button" class="plain" @click=${save}>Download definitions</button>${more}</div>`);
}

/** Of the overview: the file, and the way to the rest. */
export const definitionsPanel = () => exportPanel('Definitions', html`<a class="button plain" href=${to(['definitions'])}>Import …</a>`);

function importPanel() {
  const picked = chosen();
  const drop = (event) => {
    event.preventDefault();
    choose(event.dataTransfer.files[0]);
  };
  return panel('Import', html`<p>Into ${whereTo(vhostChosen())}. What is there and not in the file stays. First it is shown what would change.</p>
    <div class="field below-it" @dragover=${(event) => event.preventDefault()} @drop=${drop}><label for="definitions-file" class="hint">A file of definitions (JSON)</label>
      <input type="file" id="definitions-file" accept=".json,application/json" @change=${({ target }) => choose(target.files[0])}></div>
    <div aria-live="polite" class="below-it">${picked?.error ? failed(picked.error) : picked?.told ? outcome(picked) : null}</div>`);
}

const KINDS = [['added', 'Added'], ['changed', 'Changed'], ['unchanged', 'As it is'], ['skipped', 'Passed over']];

function outcome({ told, given, now, file }) {
  const sum = (kind) => told.sections.reduce((all, one) => all + one[kind].length, 0);
  const words = [sum('added') && `add ${count(sum('added'))}`, sum('changed') && `change ${count(sum('changed'))}`].filter(Boolean).join(', ');
  const shown = told.sections.filter((one) => KINDS.some(([kind]) => one[kind].length));
  return html`<p class="verdict ${told.changes_anything ? 'good' : ''}">${icon(told.changes_anything ? 'check' : 'warning')}<strong>${told.changes_anything ? `${file.name} would ${words}.` : `${file.name} would change nothing.`}</strong></p>
    ${shown.map((one) => section(one, given, now))}
    <div class="buttons below-it"><button type="button" class="primary" ?disabled=${!told.changes_anything} @click=${send}>${words ? `Import: ${words}` : 'Import'}</button>
      <button type="button" class="plain" @click=${forget}>Cancel</button><span class="hint">${told.changes_anything ? 'Nothing is changed before that.' : ''}</span></div>`;
}

function forget() {
  document.getElementById('definitions-file').value = '';
  chosen.set(null);
}

const SHOWN_MAX = 200;

function section(one, given, now) {
  const kinds = KINDS.filter(([kind]) => one[kind].length);
  const summary = kinds.map(([kind, words]) => badge(`${count(one[kind].length)} ${words.toLowerCase()}`, { added: 'accent', changed: 'warn' }[kind] ?? ''));
  return html`<details class="difference" ?open=${one.added.length + one.changed.length + one.skipped.length > 0}><summary><strong>${words(one.section)}</strong> ${summary}</summary>
    <ul>${kinds.filter(([kind]) => kind !== 'unchanged').map(([kind]) => one[kind].slice(0, SHOWN_MAX).map((entry) => line(kind, entry, one.section, given, now)))}
      ${one.unchanged.length ? html`<li><span class="sign" aria-hidden="true">=</span><span class="muted">${one.unchanged.slice(0, SHOWN_MAX).join(', ')}</span></li>` : null}</ul></details>`;
}

const words = (name) => `${name[0].toUpperCase()}${name.slice(1).replaceAll('_', ' ')}`;

function line(kind, entry, name, given, now) {
  if (kind === 'skipped') return html`<li><span class="sign" aria-hidden="true">–</span><span>${entry.name} <span class="muted">passed over: ${entry.why}</span></span></li>`;
  if (kind === 'added') return html`<li class="added"><span class="sign" aria-hidden="true">+</span><span><span class="unseen">Added: </span>${entry}</span></li>`;
  const fields = difference(entry, name, given, now);
  return html`<li class="changed"><span class="sign" aria-hidden="true">~</span><span><span class="unseen">Changed: </span>${entry}
    ${fields.map(([field, old, fresh]) => html`<span class="field-change">${field}: <del>${shown(old)}</del> <ins>${shown(fresh)}</ins></span>`)}</span></li>`;
}

const shown = (value) => (value === undefined ? '(not set)' : typeof value === 'string' ? value || '(empty)' : JSON.stringify(value));

/** How the broker calls an entry of a section. */
const LABELS = {
  users: (one) => one.name,
  vhosts: (one) => one.name,
  permissions: (one) => `${one.user} in ${one.vhost}`,
  topic_permissions: (one) => `${one.user} at ${one.exchange} in ${one.vhost}`,
  parameters: (one) => `${one.component} ${one.name} in ${one.vhost}`,
  global_parameters: (one) => one.name,
  policies: (one) => `${one.name} in ${one.vhost}`,
};

const SECRET = new Set(['password', 'password_hash']);

/** The fields in which an entry of the file is another than what is there. */
function difference(label, name, given, now) {
  const named = (all) => all[name]?.find((one) => LABELS[name]?.(one) === label);
  const [old, fresh] = [named(now), named(given)];
  if (!old || !fresh) return [];
  const flat = (entry) => Object.fromEntries(Object.entries(entry).flatMap(([key, value]) => (['definition', 'value', 'metadata', 'limits'].includes(key) && value && typeof value === 'object' && !Array.isArray(value) ? Object.entries(value) : [[key, value]])));
  const [before, after] = [flat(old), flat(fresh)];
  // What such an entry leaves out is taken away.
  const isWhole = name === 'vhosts' || ['definition', 'value'].some((key) => key in fresh);
  const keys = new Set([...Object.keys(after), ...(isWhole ? Object.keys(before) : [])]);
  return [...keys].filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key])).map((key) => (SECRET.has(key) ? ['password', '•••', 'another one'] : [key, before[key], after[key]]));
}
