// One connection: what the client said of itself, its traffic, its channels; it can be closed with a reason.

import { html } from '../lib/html.js';
import { api, remove } from '../lib/api.js';
import { to } from '../lib/router.js';
import { attempt, open } from '../lib/dialog.js';
import { rates, sampleQuery } from '../lib/history.js';
import { bytes, clientName, count, dateTime } from '../lib/format.js';
import { badge, facts, failed, head, loaded, panel, range, rangeChoice, state } from '../lib/ui.js';
import { field, form, text } from '../lib/forms.js';
import { userLink, vhostLink } from '../lib/lists.js';
import { channelTable } from './channels.js';
import '../lib/chart.js';

const close = (name, reason) => remove(api('connections', name), undefined, { 'x-reason': reason });

export const closeConnections = (rows) => attempt(`Closed ${count(rows.length)} connections.`, () => Promise.all(rows.map((row) => close(row.name, 'Closed via management plugin'))));

export default function connection({ params, watch }) {
  const { name } = params;
  const path = () => `${api('connections', name)}?${sampleQuery(range())}`;
  const live = watch(path());
  const channels = watch(api('connections', name, 'channels'));
  return {
    title: name,
    view: () => {
      live.to(path());
      const { data, at } = live();
      return html`${title(data, name)}${loaded(live, (one) => body(one, at, channels()))}`;
    },
  };
}

function title(data, name) {
  const shown = data ? clientName(data) : name;
  return head({
    trail: [['Connections', to(['connections'])]], title: shown,
    badges: data && html`${state(data.state)}${badge(data.protocol)}${data.ssl ? badge('TLS', 'accent') : null}`,
    actions: html`<button type="button" class="danger" @click=${() => askReason(name, shown)}>Close the connection</button>`,
  });
}

function askReason(name, shown) {
  const submit = async ({ reason }, done) => {
    if (await attempt(`The connection ${shown} was closed.`, () => close(name, reason), to(['connections']))) done();
  };
  return open((done) => html`<div class="ask"><h2>Close the connection ${shown}?</h2><p>The client is told the reason, with code 320.</p>
    ${form(field('Reason', text('reason', { value: 'Closed via management plugin' })), { action: 'Close the connection', danger: true, submit: (values) => submit(values, done) })}</div>`, { label: 'Close the connection' });
}

function body(data, at, channels) {
  const key = `connection/${data.name}`;
  const series = [['recv_oct', 'From the client'], ['send_oct', 'To the client']].map(([id, words]) => ({ name: words, hint: id, samples: rates(data, id, `${key}/${id}`, at) }));
  const { capabilities = {}, ...said } = data.client_properties ?? {};
  return html`<div class="stack"><div class="pair">
    ${panel('Bytes per second', html`<line-chart .series=${series} .span=${range()} .least=${1000} .format=${bytes} .label=${'Bytes per second'}></line-chart>`, { actions: rangeChoice() })}
    ${panel('Connection', facts([
      ['Name', data.name], ['User', userLink(data.user)], ['Virtual host', vhostLink(data.vhost)], ['Connected', dateTime(data.connected_at)], ['Signed in by', data.auth_mechanism],
      ['Heartbeat', data.timeout ? `${data.timeout} s` : 'off'], ['Largest frame', bytes(data.frame_max)], ['Channels', `${data.channels} of ${data.channel_max || 'any number'}`],
      ['From the client', bytes(data.recv_oct), 'recv_oct'], ['To the client', bytes(data.send_oct), 'send_oct'], ['TLS', data.ssl ? `${data.ssl_protocol ?? ''} ${data.ssl_cipher ?? ''}` : null],
    ]))}</div>
    ${panel('Channels', html`${failed(channels.error)}${channelTable(channels.data ?? [], 'connection-channels')}`)}
    ${panel('The client says', html`${facts(Object.entries(said).map(([id, value]) => [id.replaceAll('_', ' '), typeof value === 'string' ? value : JSON.stringify(value)]))}
      <h3>It understands</h3><div class="badges">${Object.entries(capabilities).map(([id, value]) => badge(`${id.replaceAll(/[._]/g, ' ')}${value === true ? '' : `: ${value}`}`, '', id))}</div>`)}</div>`;
}
