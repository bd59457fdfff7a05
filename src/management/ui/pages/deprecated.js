// Deprecated features: what the release line still permits, and what is in use.

import { html } from '../lib/html.js';
import { badge, empty, head, loaded } from '../lib/ui.js';
import '../lib/table.js';

const KIND = { permitted: 'accent', denied: 'bad', permitted_by_default: 'accent', denied_by_default: 'warn', disconnected: 'bad', removed: 'bad' };
const words = (text) => text?.replaceAll('_', ' ');

const columns = (used, isDescribed) => [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => html`<span class="mono">${row.name}</span>` },
  { id: 'used', title: 'In use', narrow: true, value: (row) => (used.has(row.name) ? 'yes' : 'no'), cell: (row) => (used.has(row.name) ? badge('in use', 'warn', 'Something that is there needs it') : html`<span class="muted">no</span>`) },
  { id: 'state', title: 'State', value: (row) => row.state, cell: (row) => (row.state ? badge(words(row.state), KIND[row.state]) : html`<span class="muted">–</span>`) },
  { id: 'phase', title: 'Phase', value: (row) => row.deprecation_phase, cell: (row) => badge(words(row.deprecation_phase), KIND[row.deprecation_phase]) },
  { id: 'desc', title: 'What it is', class: 'wrap', hidden: !isDescribed, value: (row) => row.desc },
];

const nothing = empty('Nothing is deprecated', 'This release line gives up nothing.');

export default function deprecated({ watch }) {
  const live = watch('/api/deprecated-features');
  const used = watch('/api/deprecated-features/used');
  return {
    title: 'Deprecated features',
    view: () => {
      const shown = columns(new Set((used().data ?? []).map((one) => one.name)), (live().data ?? []).some((one) => one.desc));
      return html`${head({ title: 'Deprecated features' })}${loaded(live, (rows) => html`
        <data-table .main=${true} .name=${'deprecated'} .label=${'Deprecated features'} .noun=${'feature'} .sort=${'name'} .rows=${rows} .columns=${shown} .empty=${nothing}></data-table>`)}`;
    },
  };
}
