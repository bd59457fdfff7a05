// All virtual hosts.

import { html } from '../lib/html.js';
import { api, may, put } from '../lib/api.js';
import { attempt, open } from '../lib/dialog.js';
import { count } from '../lib/format.js';
import { badge, head, icon, loaded } from '../lib/ui.js';
import { field, form, select, text, tick } from '../lib/forms.js';
import { rateColumn, vhostLink } from '../lib/lists.js';
import '../lib/table.js';

const number = (id, title) => ({ id, title, numeric: true, value: (row) => row[id], cell: (row) => count(row[id] ?? 0) });

const COLUMNS = [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => vhostLink(row.name) },
  { id: 'description', title: 'Description', value: (row) => row.description },
  { id: 'tags', title: 'Tags', value: (row) => (row.tags ?? []).join(' '), cell: (row) => html`${[row.tags ?? []].flat().map((one) => badge(one))}` },
  { id: 'type', title: 'Default queue type', value: (row) => row.default_queue_type },
  { id: 'tracing', title: 'Tracing', value: (row) => (row.tracing ? 'on' : 'off'), cell: (row) => (row.tracing ? badge('on', 'warn') : html`<span class="muted">off</span>`) },
  { id: 'protected', title: 'Protected', value: (row) => (row.protected_from_deletion ? 'yes' : 'no'), hidden: true },
  { ...number('messages_ready', 'Ready'), narrow: true },
  number('messages_unacknowledged', 'Unacknowledged'),
  rateColumn('publish', 'In', 'Published per second'),
  rateColumn('deliver_get', 'Out', 'Delivered per second'),
];

export default function vhosts({ watch }) {
  const live = watch('/api/vhosts');
  const add = may('administrator') ? html`<button type="button" class="primary" @click=${openForm}>${icon('plus')}Add a virtual host</button>` : null;
  return {
    title: 'Virtual hosts',
    view: () => html`${head({ title: 'Virtual hosts', actions: add })}
      ${loaded(live, (rows) => html`<data-table .main=${true} .name=${'vhosts'} .label=${'Virtual hosts'} .noun=${'virtual host'} .sort=${'name'} .rows=${rows} .columns=${COLUMNS}></data-table>`)}`,
  };
}

function openForm() {
  const submit = async (values, close) => {
    const body = { description: values.description, tags: values.tags, tracing: values.tracing, ...(values.type ? { default_queue_type: values.type } : {}) };
    if (await attempt(`The virtual host ${values.name} is there.`, () => put(api('vhosts', values.name), body))) close();
  };
  return open((close) => html`<div class="ask"><h2>Add a virtual host</h2>${form(html`<div class="fields">
    ${field('Name', text('name', { required: true }))}${field('Description', text('description'))}${field('Tags', text('tags', { placeholder: 'separated by commas' }))}
    ${field('Default queue type', select('type', [['', 'That of the broker'], ['classic', 'Classic'], ['quorum', 'Quorum'], ['stream', 'Stream']], ''))}
    <div class="ticks">${tick('tracing', 'Tracing', false, 'Copies of all messages go to amq.rabbitmq.trace')}</div></div>`, { action: 'Add the virtual host', submit: (values) => submit(values, close) })}</div>`, { label: 'Add a virtual host', wide: true });
}
