// All consumers, and the table of them that queues and channels show.

import { html } from '../lib/html.js';
import { badge, empty, head, loaded } from '../lib/ui.js';
import { channelLink, clientNames, connectionLink, ofVhost, queueLink, userLink } from '../lib/lists.js';
import { duration } from '../lib/format.js';
import '../lib/table.js';

const of = (row) => row.channel_details ?? {};

function columns(names) {
  const client = (row) => names.get(of(row).connection_name) ?? of(row).connection_name;
  return [
    { id: 'client', title: 'Client', first: true, value: client, cell: (row) => connectionLink(of(row).connection_name, client(row)) },
    { id: 'queue', title: 'Queue', narrow: true, value: (row) => row.queue.name, cell: (row) => queueLink(row.queue.vhost, row.queue.name) },
    { id: 'tag', title: 'Tag', value: (row) => row.consumer_tag, cell: (row) => html`<span class="mono">${row.consumer_tag}</span>` },
    { id: 'channel', title: 'Channel', value: (row) => of(row).number, numeric: true, cell: (row) => channelLink(of(row).name, of(row).number) },
    { id: 'user', title: 'User', hidden: true, value: (row) => of(row).user, cell: (row) => userLink(of(row).user) },
    { id: 'active', title: 'State', narrow: true, value: (row) => row.activity_status, cell: activity },
    { id: 'ack', title: 'Acknowledges', hint: 'ack_required', value: (row) => (row.ack_required ? 'by hand' : 'automatically') },
    { id: 'exclusive', title: 'Exclusive', hidden: true, value: (row) => (row.exclusive ? 'yes' : 'no') },
    { id: 'prefetch', title: 'Prefetch', hint: 'prefetch_count: deliveries that may be out', numeric: true, value: (row) => row.prefetch_count, cell: (row) => row.prefetch_count || 'unlimited' },
    { id: 'timeout', title: 'Timeout', hidden: true, numeric: true, value: (row) => row.consumer_timeout, cell: (row) => duration(row.consumer_timeout) },
    { id: 'arguments', title: 'Arguments', hidden: true, value: (row) => JSON.stringify(row.arguments ?? {}), cell: (row) => html`<code>${JSON.stringify(row.arguments ?? {})}</code>` },
  ];
}

const activity = (row) => html`<span class="state ${row.active === false && row.activity_status !== 'single_active' ? 'idle' : 'good'}">${(row.activity_status ?? 'up').replaceAll('_', ' ')}</span>${row.exclusive ? badge('exclusive') : null}`;

const rowkey = (row) => `${of(row).name} ${row.consumer_tag}`;

/** The consumers of one queue or channel; `without` are the columns that would say the same in each row. */
export function consumerTable(rows, name, { names = new Map(), without = [] } = {}) {
  const nothing = empty('No consumer', 'Messages wait until a program subscribes.');
  return html`<data-table .name=${name} .label=${'Consumers'} .noun=${'consumer'} .small=${true} .rows=${rows} .columns=${columns(names).filter((one) => !without.includes(one.id))} .rowkey=${rowkey} .empty=${nothing}></data-table>`;
}

export default function consumers({ watch }) {
  const live = watch('/api/consumers');
  const connections = watch('/api/connections?columns=name,user_provided_name,client_properties');
  const nothing = empty('Nobody consumes', 'A consumer appears here when a program subscribes to a queue:', 'celery -A app worker');
  return {
    title: 'Consumers',
    view: () => {
      const shown = columns(clientNames(connections().data));
      return html`${head({ title: 'Consumers' })}${loaded(live, (rows) => {
        const all = rows.map((row) => ({ ...row, vhost: row.queue.vhost }));
        return html`<data-table .main=${true} .name=${'consumers'} .label=${'Consumers'} .noun=${'consumer'} .sort=${'client'} .rows=${ofVhost(all)} .columns=${shown} .rowkey=${rowkey} .empty=${nothing}></data-table>`;
      })}`;
    },
  };
}

