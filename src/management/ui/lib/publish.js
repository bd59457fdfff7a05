// A form that publishes a message.

import { html } from './html.js';
import { api, post, ApiError } from './api.js';
import { attempt, tell } from './dialog.js';
import { field, form, select, text } from './forms.js';
import { plural } from './format.js';

const PROPERTIES = ['content_encoding', 'priority', 'correlation_id', 'reply_to', 'expiration', 'message_id', 'timestamp', 'type', 'user_id', 'app_id'];
const NUMBERS = new Set(['priority', 'timestamp']);

function propertiesOf(values) {
  const given = PROPERTIES.filter((name) => values[name] !== '').map((name) => [name, NUMBERS.has(name) ? Number(values[name]) : values[name]]);
  const headers = Object.keys(values.headers).length ? { headers: values.headers } : {};
  const type = values.content_type ? { content_type: values.content_type } : {};
  return { ...Object.fromEntries(given), ...headers, ...type, delivery_mode: Number(values.delivery_mode) };
}

async function publish(vhost, exchange, values) {
  await attempt('Published.', async () => {
    const message = { routing_key: values.routing_key, properties: propertiesOf(values), payload: values.payload, payload_encoding: values.payload_encoding };
    const { routed } = await post(api('exchanges', vhost, exchange || 'amq.default', 'publish'), message);
    if (!routed) tell('No queue got it.', new ApiError(200, 'Not routed', 'no binding matches this routing key and these headers'));
  });
  // What was typed stays: the next message is mostly almost the same.
  return false;
}

export function publishForm({ vhost, exchange, routingKey = '', isKeyFixed = false }) {
  const more = PROPERTIES.map((name) => field(name.replaceAll('_', ' '), text(name, { type: NUMBERS.has(name) ? 'number' : 'text', placeholder: name === 'expiration' ? 'ms' : '' })));
  return form(html`<div class="fields">
      ${isKeyFixed ? html`<input type="hidden" name="routing_key" .value=${routingKey}>` : field('Routing key', text('routing_key', { value: routingKey }))}
      ${field('Content type', html`<input name="content_type" list="content-types" autocomplete="off">`)}
      ${field('Delivery', select('delivery_mode', [['1', 'Transient'], ['2', 'Persistent']], '2'))}
      ${field('Body is', select('payload_encoding', [['string', 'Text'], ['base64', 'Base64']], 'string'))}
      <div class="all">${field('Body', html`<textarea name="payload" rows="5" spellcheck="false"></textarea>`)}</div>
      <div class="field-group all"><span>Headers</span><args-editor name="headers" .noun=${'a header'}></args-editor></div>
      <details class="all"><summary>${plural(PROPERTIES.length, 'more property', 'more properties')}</summary><div class="fields">${more}</div></details></div>
    <datalist id="content-types"><option value="application/json"></option><option value="text/plain"></option><option value="application/octet-stream"></option></datalist>`,
  { action: 'Publish', submit: (values) => publish(vhost, exchange, values) });
}
