// Feature flags: what the release line has switched on.

import { html } from '../lib/html.js';
import { memo } from '../lib/signal.js';
import { badge, empty, head, loaded, state } from '../lib/ui.js';
import '../lib/table.js';

const columns = memo((isDescribed) => [
  { id: 'name', title: 'Name', first: true, value: (row) => row.name, cell: (row) => html`<span class="mono">${row.name}</span>` },
  { id: 'state', title: 'State', narrow: true, value: (row) => row.state, cell: (row) => state(row.state) },
  { id: 'stability', title: 'Stability', value: (row) => row.stability, cell: (row) => badge(row.stability ?? 'stable') },
  { id: 'desc', title: 'What it is', class: 'wrap', hidden: !isDescribed, value: (row) => row.desc },
  { id: 'by', title: 'Provided by', hidden: true, value: (row) => row.provided_by },
]);

const nothing = empty('No feature flags', 'This release line has none.');

export default function features({ watch }) {
  const live = watch('/api/feature-flags');
  return {
    title: 'Feature flags',
    view: () => html`${head({ title: 'Feature flags' })}${loaded(live, (rows) => html`
      <data-table .main=${true} .name=${'features'} .label=${'Feature flags'} .noun=${'feature flag'} .sort=${'name'} .rows=${rows} .columns=${columns(rows.some((row) => row.desc))} .empty=${nothing}></data-table>`)}`,
  };
}
