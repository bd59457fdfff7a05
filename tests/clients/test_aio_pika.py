"""aio-pika: publish, consume, confirm, return, nack, transactions, rpc, over asyncio."""
import asyncio

import aio_pika
import pytest


@pytest.fixture
def run(url):
    """run(scenario): `scenario(connection, channel)` with a connection of its own and 20 s."""
    def runner(scenario, **options):
        async def main():
            connection = await aio_pika.connect(url)
            async with connection:
                return await scenario(connection, await connection.channel(**options))
        return asyncio.run(asyncio.wait_for(main(), 20))
    return runner


def message(body, **kw):
    return aio_pika.Message(body, **kw)


def test_publish_and_consume(run):
    async def scenario(_, channel):
        await channel.set_qos(prefetch_count=2)
        queue = await channel.declare_queue("q")
        for n in range(5):
            confirmed = await channel.default_exchange.publish(message(b"%d" % n, headers={"n": n}), "q")
            assert confirmed.delivery_tag == n + 1
        got = []
        async with queue.iterator() as messages:
            async for m in messages:
                async with m.process():
                    got.append((m.body, m.headers["n"]))
                if len(got) == 5:
                    break
        assert got == [(b"%d" % n, n) for n in range(5)]
    run(scenario)


def test_returns(run):
    async def scenario(_, channel):
        with pytest.raises(aio_pika.exceptions.DeliveryError):
            await channel.default_exchange.publish(message(b"x"), "nowhere", mandatory=True)
    run(scenario, on_return_raises=True)


def test_nack(run):
    async def scenario(_, channel):
        queue = await channel.declare_queue("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
        with pytest.raises(aio_pika.exceptions.DeliveryError):
            await channel.default_exchange.publish(message(b"x"), queue.name)
    run(scenario)


def test_get_reject_and_requeue(run):
    async def scenario(_, channel):
        queue = await channel.declare_queue("q")
        await channel.default_exchange.publish(message(b"x"), "q")
        first = await queue.get()
        assert not first.redelivered
        await first.nack(requeue=True)
        second = await queue.get()
        assert second.redelivered
        await second.reject(requeue=False)
        assert await queue.get(fail=False) is None
    run(scenario)


def test_transactions(run):
    async def scenario(_, channel):
        queue = await channel.declare_queue("q")
        async with channel.transaction():
            await channel.default_exchange.publish(message(b"committed"), "q")
        with pytest.raises(RuntimeError):
            async with channel.transaction():
                await channel.default_exchange.publish(message(b"rolled back"), "q")
                raise RuntimeError
        assert (await queue.get(no_ack=True)).body == b"committed"
        assert await queue.get(fail=False) is None
    run(scenario, publisher_confirms=False)


def test_topics_and_exclusive_queues(run):
    async def scenario(_, channel):
        exchange = await channel.declare_exchange("logs", aio_pika.ExchangeType.TOPIC)
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(exchange, "*.error")
        for key in ("disk.error", "disk.info", "net.error"):
            await exchange.publish(message(key.encode()), key)
        got = [(await queue.get()).routing_key for _ in range(2)]
        assert got == ["disk.error", "net.error"]
        assert await queue.get(fail=False) is None
    run(scenario)


def test_many_channels_at_once(run):
    async def scenario(connection, _):
        async def one(n):
            async with await connection.channel() as channel:
                queue = await channel.declare_queue("many-%d" % n)
                await channel.default_exchange.publish(message(b"%d" % n), queue.name)
                return int((await queue.get(no_ack=True)).body)
        assert await asyncio.gather(*(one(n) for n in range(50))) == list(range(50))
    run(scenario)


def test_patterns_rpc(run):
    from aio_pika.patterns import RPC

    async def scenario(_, channel):
        rpc = await RPC.create(channel)

        async def double(*, x):
            return 2 * x

        await rpc.register("double", double, auto_delete=True)
        assert await rpc.proxy.double(x=21) == 42
    run(scenario)
