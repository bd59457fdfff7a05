// The unmodified RabbitMQ module of Testcontainers for Node: its own readiness check, and a command in the container.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RabbitMQContainer } from '@testcontainers/rabbitmq';
import amqp from 'amqplib';

test('starts, is found ready by its log, serves AMQP, and runs rabbitmqctl', { timeout: 60_000 }, async () => {
  const container = await new RabbitMQContainer('leveret:latest').start();
  try {
    const connection = await amqp.connect(container.getAmqpUrl());
    const channel = await connection.createChannel();
    await channel.assertQueue('from-node');
    const { exitCode, stdout } = await container.exec(['rabbitmqctl', 'list_queues', '--silent', 'name']);
    assert.equal(exitCode, 0);
    assert.match(stdout, /from-node/);
    await connection.close();
  } finally {
    await container.stop();
  }
});
