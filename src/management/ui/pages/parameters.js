// Parameters: those of the broker as a whole, those of virtual hosts, and the name of the cluster.

import { html } from '../lib/html.js';
import { api, may, put, remove, ApiError } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, confirm, open } from '../lib/dialog.js';
import { empty, failed, head, icon, loaded, panel } from '../lib/ui.js';
import { field, form, text } from '../lib/forms.js';
import { ofVhost, vhostColumn } from '../lib/lists.js';
import '../lib/table.js';

const asText = (value) => JSON.stringify(value);

const COLUMNS = [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => html`<button type="button" class="link" @click=${() => openForm(row)}>${row.name}</button>` },
  { id: 'value', title: 'Value', narrow: true, value: (row) => asText(row.value), cell: (row) => html`<code>${asText(row.value)}</code>` },
  { id: 'remove', title: 'Remove', plain: true, narrow: true, class: 'end', value: () => '', cell: (row) => html`<button type="button" class="quiet" aria-label=${`Delete the parameter ${row.name}`} @click=${() => drop(row)}>Delete</button>` },
];

/** What RabbitMQ keeps as parameters of a virtual host has pages of its own. */
const PAGES = { 'vhost-limits': 'limits', operator_policy: 'policies', policy: 'policies' };

const VHOST_COLUMNS = [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => (PAGES[row.component] ? html`<a href=${to([PAGES[row.component]], { vhost: row.vhost })}>${row.name}</a>` : row.name) },
  vhostColumn,
  { id: 'component', title: 'Component', narrow: true, value: (row) => row.component, cell: (row) => html`<code>${row.component}</code>` },
  { id: 'value', title: 'Value', value: (row) => asText(row.value), cell: (row) => html`<code>${asText(row.value)}</code>` },
];

export default function parameters({ watch }) {
  const globals = watch('/api/global-parameters');
  const ofVhosts = watch('/api/parameters');
  const cluster = may('administrator') ? watch('/api/cluster-name') : null;
  const nothing = empty('No parameters', 'Programs and plugins keep settings here. From a shell:', "rabbitmqctl set_global_parameter mine '{\"a\":1}'");
  return {
    title: 'Parameters',
    view: () => html`${head({ title: 'Parameters', actions: html`<button type="button" class="primary" @click=${() => openForm()}>${icon('plus')}Add a parameter</button>` })}<div class="stack">
      ${panel('Of the broker', loaded(globals, (rows) => html`<data-table .main=${true} .name=${'globals'} .label=${'Global parameters'} .noun=${'parameter'} .small=${true} .sort=${'name'} .rows=${rows} .columns=${COLUMNS} .rowkey=${(row) => row.name} .empty=${nothing}></data-table>`))}
      ${panel('Of virtual hosts', html`${failed(ofVhosts().error)}<data-table .name=${'parameters'} .label=${'Parameters of virtual hosts'} .noun=${'parameter'} .small=${true} .rows=${ofVhost(ofVhosts().data ?? [])} .columns=${VHOST_COLUMNS} .rowkey=${(row) => `${row.vhost} ${row.component} ${row.name}`} .empty=${empty('None', 'Limits and operator policies of virtual hosts are shown here as well.')}></data-table>`)}
      ${cluster?.().data ? clusterPanel(cluster().data.name) : null}</div>`,
  };
}

function clusterPanel(name) {
  const submit = ({ name: given }) => attempt(`The cluster is called ${given}.`, () => put('/api/cluster-name', { name: given })).then(() => false);
  return panel('Name of the cluster', form(html`<div class="fields">${field('Name', text('name', { value: name, required: true }), 'Programs and this page show it')}</div>`, { action: 'Name the cluster', submit }));
}

async function drop({ name }) {
  if (!(await confirm({ title: `Delete the parameter ${name}?`, text: 'Who reads it finds nothing.', action: 'Delete the parameter' }))) return;
  await attempt(`${name} was deleted.`, () => remove(api('global-parameters', name)));
}

function read(value) {
  try {
    return JSON.parse(value);
  } catch (error) {
    throw new ApiError(0, 'Not sent', `the value is no JSON: ${error.message}`);
  }
}

function openForm(row) {
  const words = row ? `Change the parameter ${row.name}` : 'Add a parameter';
  const submit = async ({ name, value }, close) => {
    if (await attempt(`The parameter ${name} is set.`, () => put(api('global-parameters', name), { value: read(value) }))) close();
  };
  return open((close) => html`<div class="ask"><h2>${words}</h2>${form(html`<div class="fields">
      ${row ? html`<input type="hidden" name="name" .value=${row.name}>` : field('Name', text('name', { required: true }))}
      <div class="all">${field('Value (JSON)', html`<textarea name="value" rows="5" spellcheck="false" required .value=${row ? JSON.stringify(row.value, null, 2) : ''}></textarea>`)}</div></div>`,
  { action: row ? 'Change the parameter' : 'Set the parameter', submit: (values) => submit(values, close) })}</div>`, { label: words });
}
