# An image in place of rabbitmq:management: its paths, names, ports, environment and entry point, in under 15 MB.
#
#   docker build -t leveret .
#   docker run --rm -p 5672:5672 -p 15672:15672 leveret
#
# Nothing in it is made for one processor: `docker buildx build --platform linux/amd64,linux/arm64 .` makes both.
# config/image/ has what the image is made of; tests/image/ makes the same tree and runs it without an engine.
FROM rust:1.90-slim-trixie AS build
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends busybox-static \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN config/image/build.sh /leveret && config/image/rootfs.sh /leveret /image

FROM scratch
COPY --from=build /image/ /
ENV PATH=/opt/rabbitmq/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/var/lib/rabbitmq \
    LANG=C.UTF-8 \
    LEVERET_RUNTIME_DIR=/var/lib/rabbitmq/.leveret \
    RABBITMQ_DATA_DIR=/var/lib/rabbitmq \
    RABBITMQ_HOME=/opt/rabbitmq \
    RABBITMQ_LOGS=-
VOLUME /var/lib/rabbitmq
# rabbitmq, by number so that an orchestrator can see that it is not root.
USER 999:999
EXPOSE 4369 5671 5672 15671 15672 15691 15692 25672
HEALTHCHECK --interval=5s --timeout=5s --start-period=2s CMD ["rabbitmq-diagnostics", "-q", "ping"]
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["rabbitmq-server"]
