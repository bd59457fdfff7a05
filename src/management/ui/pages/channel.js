// One channel: its rates, what is out, its consumers.

import { html } from '../lib/html.js';
import { api } from '../lib/api.js';
import { to } from '../lib/router.js';
import { rates, sampleQuery } from '../lib/history.js';
import { count, rate } from '../lib/format.js';
import { badge, facts, head, loaded, meter, panel, range, rangeChoice, state } from '../lib/ui.js';
import { connectionLink, userLink, vhostLink } from '../lib/lists.js';
import { consumerTable } from './consumers.js';
import '../lib/chart.js';

const RATES = [['publish', 'Published'], ['confirm', 'Confirmed'], ['deliver_get', 'Delivered'], ['ack', 'Acknowledged'], ['redeliver', 'Redelivered'], ['return_unroutable', 'Returned']];

export default function channel({ params, watch }) {
  const { name } = params;
  const connection = name.replace(/ \(\d+\)$/, '');
  const path = () => `${api('channels', name)}?${sampleQuery(range())}`;
  const live = watch(path());
  const consumers = watch('/api/consumers');
  return {
    title: name,
    view: () => {
      live.to(path());
      const { data, at } = live();
      const badges = data && html`${state(data.state)}${data.confirm ? badge('confirms', 'accent') : null}${data.transactional ? badge('transactions', 'accent') : null}`;
      return html`${head({ trail: [['Channels', to(['channels'])], [connection, to(['connections', connection])]], title: `Channel ${data?.number ?? ''}`, badges })}${loaded(live, (one) => body(one, at, connection, (consumers().data ?? []).filter((each) => each.channel_details.name === name)))}`;
    },
  };
}

function body(data, at, connection, consumers) {
  const series = RATES.map(([id, words]) => ({ name: words, hint: id, samples: rates(data.message_stats, id, `channel/${data.name}/${id}`, at) }));
  const out = data.messages_unacknowledged;
  return html`<div class="stack"><div class="pair">
    ${panel('Messages per second', html`<line-chart .series=${series} .span=${range()} .least=${10} .format=${rate} .label=${'Messages per second'}></line-chart>`, { actions: rangeChoice() })}
    ${panel('Channel', facts([
      ['Connection', connectionLink(connection)], ['User', userLink(data.user)], ['Virtual host', vhostLink(data.vhost)],
      ['Unacknowledged', data.prefetch_count ? meter(out, data.prefetch_count, `${count(out)} of ${count(data.prefetch_count)}`) : count(out), 'Deliveries out, of those that may be (prefetch)'],
      ['Prefetch', data.prefetch_count || 'no limit', 'prefetch_count: for each new consumer'], ['Global prefetch', data.global_prefetch_count || null],
      ['Unconfirmed', count(data.messages_unconfirmed)], ['Uncommitted', count(data.messages_uncommitted)], ['Acknowledgements uncommitted', count(data.acks_uncommitted)],
    ]))}</div>
    ${panel('Consumers', consumerTable(consumers, 'channel-consumers', { without: ['client', 'channel'] }))}</div>`;
}
