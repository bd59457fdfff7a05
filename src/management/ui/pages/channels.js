// All channels, and the table of them that connections show.

import { html } from '../lib/html.js';
import { count } from '../lib/format.js';
import { badge, empty, head, loaded, meter } from '../lib/ui.js';
import { channelLink, clientNames, ofVhost, rateColumn, stateColumn, userLink, vhostColumn } from '../lib/lists.js';
import '../lib/table.js';

const connectionOf = (row) => row.connection_details?.name ?? row.name.replace(/ \(\d+\)$/, '');

const mode = (row) => [row.confirm && 'confirms', row.transactional && 'transactions'].filter(Boolean);

const number = (id, title, hint, extra) => ({ id, title, hint, numeric: true, value: (row) => row[id], cell: (row) => count(row[id]), ...extra });

const prefetch = (row) => meter(row.messages_unacknowledged, row.prefetch_count, row.prefetch_count ? `${count(row.messages_unacknowledged)} of ${count(row.prefetch_count)}` : `${count(row.messages_unacknowledged)}, no limit`, 'Deliveries out, of those that may be (prefetch)');

function columns(names, isOfOne = false) {
  const client = (row) => `${names.get(connectionOf(row)) ?? connectionOf(row)} (${row.number})`;
  return [
    isOfOne
      ? { id: 'number', title: 'Channel', first: true, value: (row) => row.number, cell: (row) => channelLink(row.name, `Channel ${row.number}`) }
      : { id: 'client', title: 'Client', first: true, value: client, cell: (row) => channelLink(row.name, client(row)) },
    stateColumn,
    vhostColumn,
    { id: 'user', title: 'User', hidden: true, value: (row) => row.user, cell: (row) => userLink(row.user) },
    { id: 'mode', title: 'Mode', value: (row) => mode(row).join(' '), cell: (row) => html`${mode(row).map((one) => badge(one))}` },
    { id: 'prefetch', title: 'Prefetch', hint: 'Deliveries out, of those that may be', value: (row) => row.messages_unacknowledged, cell: prefetch },
    number('consumer_count', 'Consumers', undefined, { narrow: true }),
    number('messages_unconfirmed', 'Unconfirmed', 'Published, and not yet confirmed'),
    { ...rateColumn('publish', 'Published', 'Per second') },
    { ...rateColumn('deliver_get', 'Delivered', 'Per second') },
    { ...rateColumn('ack', 'Acked', 'Acknowledged per second') },
    number('messages_uncommitted', 'Uncommitted', 'Published in a transaction', { hidden: true }),
    number('acks_uncommitted', 'Acknowledgements uncommitted', undefined, { hidden: true }),
    number('global_prefetch_count', 'Global prefetch', undefined, { hidden: true }),
  ];
}

const rowkey = (row) => row.name;
const columnsOfOne = columns(new Map(), true);

export function channelTable(rows, name) {
  return html`<data-table .name=${name} .label=${'Channels'} .noun=${'channel'} .small=${true} .rows=${rows} .columns=${columnsOfOne} .rowkey=${rowkey} .empty=${empty('No channel', 'The connection has not opened one yet.')}></data-table>`;
}

const nothing = empty('No channels', 'A channel appears here when a connected program opens one.');

export default function channels({ watch }) {
  const live = watch('/api/channels');
  const connections = watch('/api/connections?columns=name,user_provided_name,client_properties');
  return {
    title: 'Channels',
    view: () => {
      const shown = columns(clientNames(connections().data));
      return html`${head({ title: 'Channels' })}${loaded(live, (rows) => html`
        <data-table .main=${true} .name=${'channels'} .label=${'Channels'} .noun=${'channel'} .sort=${'client'} .rows=${ofVhost(rows)} .columns=${shown} .rowkey=${rowkey} .empty=${nothing}></data-table>`)}`;
    },
  };
}
