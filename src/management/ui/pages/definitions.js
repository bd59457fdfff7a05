// Definitions: everything declared, as a file, out and in.

import { html } from '../lib/html.js';
import { signal } from '../lib/signal.js';
import { api, download, upload, ApiError } from '../lib/api.js';
import { vhostChosen } from '../lib/settings.js';
import { plural } from '../lib/format.js';
import { attempt, tell } from '../lib/dialog.js';
import { panel } from '../lib/ui.js';

const chosen = signal(null);

const path = () => (vhostChosen() ? api('definitions', vhostChosen()) : '/api/definitions');

async function save() {
  try {
    const address = URL.createObjectURL(await download(path()));
    const link = document.createElement('a');
    link.href = address;
    link.download = `definitions-${new Date().toISOString().slice(0, 10)}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    tell('The definitions could not be had.', error);
  }
}

async function choose({ target }) {
  const [file] = target.files;
  if (!file) return chosen.set(null);
  try {
    chosen.set({ file, holds: summary(JSON.parse(await file.text())) });
  } catch (error) {
    chosen.set({ file, problem: error.message });
  }
}

function summary(definitions) {
  const lists = Object.entries(definitions).filter(([, value]) => Array.isArray(value) && value.length);
  if (lists.length === 0) throw new ApiError(0, 'No definitions', 'the file has no lists of queues, exchanges, users …');
  return lists.map(([name, value]) => plural(value.length, name.replaceAll('_', ' '), name.replaceAll('_', ' '))).join(', ');
}

async function send() {
  const { file } = chosen.peek();
  if (await attempt(`${file.name} was imported.`, () => upload(path(), file))) chosen.set(null);
}

export function definitionsPanel() {
  const one = chosen();
  const where = vhostChosen() ? `the virtual host ${vhostChosen()}` : 'all virtual hosts, users and permissions';
  return panel('Definitions', html`<div class="pair">
    <div class="field"><span>Export ${where}</span><div><button type="button" class="plain" @click=${save}>Download definitions</button></div></div>
    <div class="field"><label for="definitions-file"><span class="hint">Import into ${where}; what is there stays</span></label>
      <input type="file" id="definitions-file" accept=".json,application/json" @change=${choose}>
      ${one?.holds ? html`<small>The file holds ${one.holds}.</small>` : null}
      ${one?.problem ? html`<small class="hint bad">That is no file of definitions: ${one.problem}</small>` : null}
      <div><button type="button" class="primary" ?disabled=${!one?.holds} @click=${send}>Import</button></div></div></div>`);
}
