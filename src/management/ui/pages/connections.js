// All connections, by what their programs call themselves.

import { html } from '../lib/html.js';
import { bytes, clientName, dateTime, duration } from '../lib/format.js';
import { badge, copyable, empty, head, loaded } from '../lib/ui.js';
import { connectionLink, ofVhost, stateColumn, userLink, vhostColumn } from '../lib/lists.js';
import { closeConnections } from './connection.js';
import '../lib/table.js';

const properties = (row) => row.client_properties ?? {};
const product = (row) => [properties(row).product, properties(row).version].filter(Boolean).join(' ');
const perSecond = (id) => (row) => row[`${id}_details`]?.rate;

const COLUMNS = [
  { id: 'client', title: 'Client', first: true, value: clientName, cell: (row) => connectionLink(row.name, clientName(row)) },
  stateColumn,
  { id: 'product', title: 'Library', value: product },
  { id: 'peer', title: 'From', value: (row) => `${row.peer_host}:${row.peer_port}`, cell: (row) => html`<span class="mono">${row.peer_host}:${row.peer_port}</span>${row.ssl ? html` ${badge('TLS', 'accent', row.ssl_protocol)}` : null}` },
  { id: 'user', title: 'User', value: (row) => row.user, cell: (row) => userLink(row.user) },
  vhostColumn,
  { id: 'channels', title: 'Channels', numeric: true, narrow: true, value: (row) => row.channels },
  { id: 'tls', title: 'TLS', hidden: true, value: (row) => (row.ssl ? 'yes' : 'no'), cell: (row) => (row.ssl ? badge(row.ssl_protocol || 'TLS') : html`<span class="muted">–</span>`) },
  { id: 'recv', title: 'From client', hint: 'recv_oct: bytes from the client', numeric: true, value: (row) => row.recv_oct, cell: (row) => bytes(row.recv_oct) },
  { id: 'send', title: 'To client', hint: 'send_oct: bytes to the client', numeric: true, value: (row) => row.send_oct, cell: (row) => bytes(row.send_oct) },
  { id: 'recv_rate', title: 'From client per second', numeric: true, hidden: true, value: perSecond('recv_oct'), cell: (row) => bytes(perSecond('recv_oct')(row)) },
  { id: 'send_rate', title: 'To client per second', numeric: true, hidden: true, value: perSecond('send_oct'), cell: (row) => bytes(perSecond('send_oct')(row)) },
  { id: 'since', title: 'Age', hint: 'Since it was opened', numeric: true, value: (row) => row.connected_at, cell: (row) => html`<span title=${dateTime(row.connected_at)}>${duration(Math.max(0, Date.now() - row.connected_at))}</span>` },
  { id: 'protocol', title: 'Protocol', hidden: true, value: (row) => row.protocol },
  { id: 'heartbeat', title: 'Heartbeat', numeric: true, hidden: true, value: (row) => row.timeout, cell: (row) => (row.timeout ? `${row.timeout} s` : 'off') },
  { id: 'frame_max', title: 'Largest frame', numeric: true, hidden: true, value: (row) => row.frame_max, cell: (row) => bytes(row.frame_max) },
  { id: 'mechanism', title: 'Signed in by', hidden: true, value: (row) => row.auth_mechanism },
  { id: 'name', title: 'Name', hidden: true, value: (row) => row.name, cell: (row) => html`<span class="mono">${row.name}</span>` },
  { id: 'node', title: 'Node', hidden: true, value: (row) => row.node },
];

const BULK = [{ title: 'Close', run: closeConnections }];

const nothing = html`<div class="empty"><p class="empty-title">Nobody is connected</p><p>Connect a program, for example with pika:</p>
  ${copyable("python3 -c 'import pika; pika.BlockingConnection(pika.URLParameters(\"amqp://guest:guest@localhost/%2F\"))'")}
  <p><a href="#/">More clients are on the overview</a></p></div>`;

export default function connections({ watch }) {
  const live = watch('/api/connections');
  return {
    title: 'Connections',
    view: () => html`${head({ title: 'Connections' })}
      ${loaded(live, (rows) => html`<data-table .main=${true} .name=${'connections'} .label=${'Connections'} .noun=${'connection'} .sort=${'client'} .rows=${ofVhost(rows)} .columns=${COLUMNS} .bulk=${BULK} .empty=${nothing}></data-table>`)}`,
  };
}
