// Fields of forms, and <args-editor>: names and typed values, for arguments, headers and definitions.

import { html, keyed, View } from './html.js';
import { signal } from './signal.js';
import { about } from './arguments.js';
import { icon } from './ui.js';
import { ApiError } from './api.js';

let number = 0;

/** A label over its field. */
export const field = (label, control, hint) => html`<label class="field"><span>${label}</span>${control}${hint ? html`<small>${hint}</small>` : null}</label>`;

export const text = (name, { value = '', placeholder = '', required = false, type = 'text', pattern } = {}) =>
  html`<input name=${name} type=${type} .value=${value} placeholder=${placeholder} ?required=${required} pattern=${pattern} autocomplete="off" spellcheck="false">`;

/** Options of a <select>; one that is marked is chosen also when it comes later than the field. */
export const options = (choices, value) => choices.map((one) => {
  const [id, title] = Array.isArray(one) ? one : [one, one];
  return html`<option value=${id} ?selected=${id === value}>${title}</option>`;
});

export const select = (name, choices, value) =>
  html`<select name=${name}>${options(choices, value)}</select>`;

export const tick = (name, label, checked = false, hint) =>
  html`<label class="tick" title=${hint}><input type="checkbox" name=${name} ?checked=${checked}>${label}</label>`;

/** A form that hands over its values by name; ticks are true or false, editors give objects. */
export function form(content, { submit, action, id, danger }) {
  const send = async (event) => {
    event.preventDefault();
    const element = event.currentTarget;
    const button = element.querySelector('[type=submit]');
    button.disabled = true;
    try {
      const isDone = await submit(values(element), element);
      if (isDone) reset(element);
    } finally {
      button.disabled = false;
    }
  };
  return html`<form id=${id} @submit=${send}>${content}<div class="buttons"><button type="submit" class=${danger ? 'danger' : 'primary'}>${action}</button></div></form>`;
}

function values(element) {
  const all = {};
  for (const one of element.elements) {
    if (!one.name) continue;
    if (one.type === 'checkbox') all[one.name] = one.checked;
    else if (one.type === 'radio') all[one.name] = one.checked ? one.value : (all[one.name] ?? '');
    else all[one.name] = one.value;
  }
  for (const editor of element.querySelectorAll('args-editor')) all[editor.getAttribute('name')] = editor.collect();
  return all;
}

function reset(element) {
  element.reset();
  for (const editor of element.querySelectorAll('args-editor')) editor.fill({});
}

const TYPES = [['text', 'Text'], ['number', 'Number'], ['boolean', 'Boolean'], ['json', 'List or table (JSON)']];

function typed(type, value, name) {
  if (type === 'number') {
    const read = Number(value);
    if (value.trim() === '' || Number.isNaN(read)) throw new ApiError(0, 'Not sent', `${name} is no number: “${value}”`);
    return read;
  }
  if (type === 'boolean') return value === 'true';
  if (type !== 'json') return value;
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new ApiError(0, 'Not sent', `${name} is no JSON: ${error.message}`);
  }
}

const typeOf = (value) => (typeof value === 'number' ? 'number' : typeof value === 'boolean' ? 'boolean' : typeof value === 'string' ? 'text' : 'json');

class ArgsEditor extends View {
  #rows = signal([]);

  fill(object) {
    this.#rows.set(Object.entries(object).map(([name, value]) => ({ id: (number += 1), name, type: typeOf(value), value: typeof value === 'string' ? value : JSON.stringify(value) })));
  }

  /** The object that is written here. Throws what is wrong with it. */
  collect() {
    return Object.fromEntries(this.#rows.peek().filter((row) => row.name).map((row) => [row.name, typed(row.type, row.value, row.name)]));
  }

  connectedCallback() {
    if (this.start && this.#rows.peek().length === 0) this.fill(this.start);
    super.connectedCallback();
  }

  view() {
    const names = this.names ?? [];
    return html`${this.#rows().map((row) => keyed(row.id, this.row(row)))}
      <div class="args-add"><button type="button" class="plain small" @click=${() => this.add('')}>${icon('plus')}Add ${this.noun ?? 'an argument'}</button>
      ${names.length ? html`<select aria-label="Add a known one" @change=${(event) => { this.add(event.target.value); event.target.value = ''; }}>
        <option value="">Known …</option>${names.map((name) => html`<option value=${name}>${name}${about(name) ? ` · ${about(name)[0]}` : ''}</option>`)}</select>` : null}</div>`;
  }

  add(name) {
    const type = about(name)?.[3] ?? 'text';
    const row = { id: (number += 1), name, type, value: type === 'boolean' ? 'true' : '' };
    this.#rows.set([...this.#rows.peek(), row]);
    setTimeout(() => this.querySelector(`[data-row="${row.id}"] ${name ? '.value' : 'input'}`)?.focus());
  }

  row(row) {
    const change = (name) => (event) => {
      row[name] = event.target.value;
      if (name === 'type') {
        if (row.type === 'boolean') row.value = 'true';
        this.#rows.set([...this.#rows.peek()]);
      }
    };
    const value = row.type === 'boolean'
      ? html`<select class="value" aria-label="Value" .value=${row.value} @change=${change('value')}><option>true</option><option>false</option></select>`
      : html`<input class="value" aria-label="Value" .value=${row.value} @input=${change('value')} placeholder="value" spellcheck="false">`;
    const hint = about(row.name)?.[2];
    return html`<div class="args-row" data-row=${row.id}>
      <input aria-label="Name" .value=${row.name} @input=${change('name')} placeholder="name" spellcheck="false">
      ${value}
      <select aria-label="Type" .value=${row.type} @change=${change('type')}>${TYPES.map(([id, title]) => html`<option value=${id}>${title}</option>`)}</select>
      <button type="button" class="quiet" aria-label=${`Remove ${row.name || 'this line'}`} @click=${() => this.#rows.set(this.#rows.peek().filter((one) => one !== row))}>${icon('close')}</button>
      ${hint ? html`<small>${hint}</small>` : null}</div>`;
  }
}
ArgsEditor.define('args-editor', 'names', 'noun', 'start');
