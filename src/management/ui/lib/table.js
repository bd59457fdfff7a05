// <data-table>: every list. Sorts, filters by text or regex, pages, chooses columns, remembers; all of it is in the URL.
//
// A column: {id, title, hint, value(row), cell(row), numeric, hidden, narrow, first}. `value` sorts and is filtered by, `cell`
// shows (the value itself when left out); hidden ones have to be chosen, narrow ones stay on small screens.

import { html, keyed, View } from './html.js';
import { memo, signal } from './signal.js';
import { route, setQuery } from './router.js';
import { remembered } from './settings.js';
import { count, plural } from './format.js';
import { empty, icon } from './ui.js';
import { confirm } from './dialog.js';

const ROW_PX = 36;
/** From here on only the rows that are seen are in the document. */
const VIRTUAL_FROM = 150;
const SPARE_ROWS = 12;
const SIZES = [25, 50, 100, 500];

const stores = new Map();

function store(name) {
  if (!stores.has(name)) stores.set(name, remembered(`table.${name}`, {}));
  return stores.get(name);
}

/** What is wrong with a pattern, or how rows are picked by it. */
function picker(text, isRegex) {
  if (!text) return { pick: () => true };
  if (!isRegex) {
    const wanted = text.toLowerCase();
    return { pick: (value) => value.toLowerCase().includes(wanted) };
  }
  try {
    const pattern = new RegExp(text, 'i');
    return { pick: (value) => pattern.test(value) };
  } catch (error) {
    return { error: error.message, pick: () => true };
  }
}

const collator = new Intl.Collator('en', { numeric: true });

function order(one, other) {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  if (one == null || other == null) return (one != null) - (other != null);
  return collator.compare(one, other);
}

class DataTable extends View {
  #scrolled = signal(0);
  #height = signal(600);
  #selected = signal(new Set());
  #filtered = memo((rows, columns, text, isRegex) => {
    const { pick, error } = picker(text, isRegex);
    const texts = columns.filter((one) => !one.numeric);
    const found = text ? rows.filter((row) => pick(texts.map((one) => one.value(row) ?? '').join(' '))) : rows;
    return { found, error };
  });
  #sorted = memo((rows, column, down) => {
    if (!column) return rows;
    const values = new Map(rows.map((row) => [row, column.value(row)]));
    const sorted = [...rows].sort((one, other) => order(values.get(one), values.get(other)));
    return down ? sorted.reverse() : sorted;
  });
  #columns = memo((all, chosen, isOneVhost) => {
    if (chosen) return all.filter((one) => one.first || chosen.includes(one.id));
    return all.filter((one) => !one.hidden && !(isOneVhost && one.id === 'vhost'));
  });
  /** Where all rows are of one virtual host, a column that says so again and again is left out. */
  #isOneVhost = memo((rows) => rows.every((row) => row.vhost === rows[0].vhost));

  param(name) {
    return this.main ? name : `${this.name}.${name}`;
  }

  /** What is asked for: by the URL, else by what is remembered. */
  get wanted() {
    const kept = store(this.name)();
    const query = route().query;
    const read = (name) => query[this.param(name)];
    return {
      filter: read('filter') ?? '',
      regex: read('regex') === '1',
      sort: read('sort') ?? kept.sort ?? this.sort ?? '',
      page: Math.max(1, Number(read('page')) || 1),
      size: Number(read('size') ?? kept.size ?? 0),
      columns: read('columns')?.split(',') ?? kept.columns,
    };
  }

  want(changes, keep = false) {
    if (keep) store(this.name).set({ ...store(this.name).peek(), ...changes });
    const query = Object.entries(changes).map(([name, value]) => [this.param(name), Array.isArray(value) ? value.join(',') : value]);
    setQuery(Object.fromEntries(query));
  }

  view() {
    const wanted = this.wanted;
    const all = this.rows ?? [];
    const columns = this.shown(wanted);
    const { found, error } = this.#filtered(all, this.columns, wanted.filter, wanted.regex);
    const down = wanted.sort.startsWith('-');
    const sorted = this.#sorted(found, this.columns.find((one) => one.id === wanted.sort.replace('-', '')), down);
    const pages = wanted.size ? Math.max(1, Math.ceil(sorted.length / wanted.size)) : 1;
    const page = Math.min(wanted.page, pages);
    const rows = wanted.size ? sorted.slice((page - 1) * wanted.size, page * wanted.size) : sorted;
    if (all.length === 0) return html`<div class="table-empty">${this.empty ?? empty('Nothing here', '')}</div>`;
    const isSmall = this.small && all.length <= 8 && !wanted.filter;
    return html`
      ${isSmall ? null : this.bar(wanted, all.length, found.length, error)}
      ${found.length ? this.body(columns, rows, wanted) : this.nothingFound(wanted)}
      ${pages > 1 ? this.pager(page, pages) : null}`;
  }

  shown(wanted) {
    return this.#columns(this.columns, wanted.columns, this.#isOneVhost(this.rows ?? []));
  }

  bar(wanted, total, found, error) {
    const type = (event) => this.want({ filter: event.target.value, page: '' });
    const amount = found === total ? plural(total, this.noun ?? 'row') : `${count(found)} of ${plural(total, this.noun ?? 'row')}`;
    return html`<div class="table-bar">
      <label class="search">${icon('search')}<span class="unseen">Filter</span>
        <input type="search" placeholder=${wanted.regex ? 'Regular expression' : 'Filter'} .value=${wanted.filter} data-filter=${this.main} @input=${type} aria-invalid=${String(Boolean(error))} spellcheck="false"></label>
      <button type="button" class="plain toggle" aria-pressed=${String(wanted.regex)} title="Filter by regular expression" @click=${() => this.want({ regex: wanted.regex ? '' : '1' })}><span aria-hidden="true">.*</span><span class="unseen">Regular expression</span></button>
      ${error ? html`<span class="hint bad" role="status">${error}</span>` : html`<span class="hint" role="status">${amount}</span>`}
      <span class="grow"></span>
      ${this.bulkBar()}
      ${this.sizes(wanted)}
      ${this.chooser(wanted)}
    </div>`;
  }

  sizes(wanted) {
    const choose = (event) => this.want({ size: Number(event.target.value), page: '' }, true);
    return html`<select aria-label="Rows on a page" class="sizes" .value=${String(wanted.size)} @change=${choose}>
      <option value="0">All rows</option>${SIZES.map((size) => html`<option value=${size}>${size} a page</option>`)}</select>`;
  }

  chooser(wanted) {
    const shown = this.shown(wanted).map((one) => one.id);
    const toggle = (id) => {
      const columns = this.columns.map((one) => one.id).filter((one) => (one === id) !== shown.includes(one));
      this.want({ columns }, true);
    };
    const id = `columns-${this.name}`;
    return html`<button type="button" class="plain" popovertarget=${id} title="Choose columns">${icon('columns')}<span class="unseen">Choose columns</span></button>
      <div class="chooser" id=${id} popover><fieldset><legend>Columns</legend>${this.columns.filter((one) => !one.first).map((one) => html`
        <label class="tick"><input type="checkbox" ?checked=${shown.includes(one.id)} @change=${() => toggle(one.id)}>${one.title}</label>`)}
        <button type="button" class="quiet" @click=${() => this.want({ columns: null }, true)}>As at first</button></fieldset></div>`;
  }

  nothingFound(wanted) {
    return html`<div class="empty"><p class="empty-title">Nothing matches “${wanted.filter}”</p>
      <button type="button" class="plain" @click=${() => this.want({ filter: '', page: '' })}>Clear the filter</button></div>`;
  }

  pager(page, pages) {
    const turn = (to) => this.want({ page: to === 1 ? '' : to });
    return html`<nav class="pager" aria-label="Pages of ${this.label}">
      <button type="button" class="plain" ?disabled=${page === 1} @click=${() => turn(page - 1)}>Back</button>
      <span>Page ${page} of ${pages}</span>
      <button type="button" class="plain" ?disabled=${page === pages} @click=${() => turn(page + 1)}>Next</button></nav>`;
  }

  body(columns, rows, wanted) {
    const isVirtual = rows.length > VIRTUAL_FROM;
    const from = isVirtual ? Math.max(0, Math.floor(this.#scrolled() / ROW_PX) - SPARE_ROWS) : 0;
    const amount = isVirtual ? Math.ceil(this.#height() / ROW_PX) + 2 * SPARE_ROWS : rows.length;
    const seen = rows.slice(from, from + amount);
    const spacer = (height, name) => (isVirtual && height > 0 ? html`<tr class="spacer" aria-hidden="true"><td colspan=${columns.length + 1} style:height=${`${height}px`}></td></tr>` : null);
    return html`<div class="table-scroll ${isVirtual ? 'virtual' : ''}" tabindex="0" role="region" aria-label=${this.label} @scroll=${(event) => this.scroll(event)}>
      <table aria-rowcount=${isVirtual ? rows.length + 1 : null}>
        <thead><tr>${this.bulk ? this.headTick(rows) : null}${columns.map((one) => keyed(one.id, this.heading(one, wanted)))}</tr></thead>
        <tbody>${spacer(from * ROW_PX)}${seen.map((row, at) => keyed(this.key(row), this.row(row, columns, isVirtual ? from + at + 2 : null)))}${spacer((rows.length - from - seen.length) * ROW_PX)}</tbody>
      </table></div>`;
  }

  scroll({ currentTarget }) {
    this.#height.set(currentTarget.clientHeight);
    this.#scrolled.set(Math.floor(currentTarget.scrollTop / ROW_PX / 4) * ROW_PX * 4);
  }

  key(row) {
    return this.rowkey ? this.rowkey(row) : `${row.vhost ?? ''}\u0000${row.name}`;
  }

  heading(column, wanted) {
    const isSorted = wanted.sort.replace('-', '') === column.id;
    const isDown = wanted.sort.startsWith('-');
    // Numbers are mostly wanted from the top.
    const next = isSorted ? (isDown ? column.id : `-${column.id}`) : column.numeric ? `-${column.id}` : column.id;
    const direction = isSorted ? (isDown ? 'descending' : 'ascending') : null;
    return html`<th scope="col" class=${classes(column)} aria-sort=${direction}>
      ${column.plain ? html`<span class="unseen">${column.title}</span>` : html`<button type="button" title=${column.hint} @click=${() => this.want({ sort: next }, true)}>${column.title}<span class="arrow ${direction ?? ''}" aria-hidden="true"></span></button>`}</th>`;
  }

  row(row, columns, index) {
    // Small screens have no room for its column.
    const isVhostShown = columns.some((one) => one.id === 'vhost');
    return html`<tr aria-rowindex=${index}>${this.bulk ? this.tick(row) : null}${columns.map((one) => keyed(one.id, html`<td class=${classes(one)} data-vhost=${one.first && isVhostShown ? row.vhost : null}>${one.cell ? one.cell(row) : (one.value(row) ?? html`<span class="muted">–</span>`)}</td>`))}</tr>`;
  }

  tick(row) {
    const key = this.key(row);
    const toggle = () => {
      const selected = new Set(this.#selected.peek());
      if (!selected.delete(key)) selected.add(key);
      this.#selected.set(selected);
    };
    return html`<td class="tick-cell"><input type="checkbox" aria-label=${`Select ${row.name}`} .checked=${this.#selected().has(key)} @change=${toggle}></td>`;
  }

  headTick(rows) {
    const keys = rows.map((row) => this.key(row));
    const isAll = keys.length > 0 && keys.every((key) => this.#selected().has(key));
    return html`<th class="tick-cell" scope="col"><input type="checkbox" aria-label="Select all rows" .checked=${isAll} @change=${() => this.#selected.set(new Set(isAll ? [] : keys))}></th>`;
  }

  /** What can be done with the rows that are selected. */
  bulkBar() {
    const selected = this.#selected();
    if (!this.bulk || selected.size === 0) return null;
    const rows = this.rows.filter((row) => selected.has(this.key(row)));
    const run = async (action) => {
      const names = rows.slice(0, 12).map((row) => row.name).join(', ') + (rows.length > 12 ? ` and ${rows.length - 12} more` : '');
      const isSure = await confirm({ title: `${action.title} ${plural(rows.length, this.noun)}?`, text: names, action: `${action.title} ${count(rows.length)}` });
      if (!isSure) return;
      this.#selected.set(new Set());
      await action.run(rows);
    };
    return html`${this.bulk.map((action) => html`<button type="button" class="danger small" @click=${() => run(action)}>${action.title} ${count(rows.length)}</button>`)}`;
  }
}

const classes = (column) => [column.numeric && 'number', column.narrow || column.first ? '' : 'wide-only', column.first && 'first', column.class].filter(Boolean).join(' ');

DataTable.define('data-table', 'rows', 'columns', 'name', 'label', 'noun', 'main', 'empty', 'small', 'sort', 'rowkey', 'bulk');

