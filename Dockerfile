# docker build -t everycore .
# docker run --rm -p 8080:8080 everycore
#
# Two stages: Swift builds, and a slim Debian runs. Swift's libraries are linked into the binary; libevent comes from Debian.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libevent-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# The packages that everycore depends on change less often than its sources: a layer of their own.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --static-swift-stdlib --product everycore \
    && strip --strip-debug .build/release/everycore -o /everycore

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends libevent-core-2.1-7 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log \
    && useradd --system --no-create-home --shell /usr/sbin/nologin everycore
COPY --from=build /everycore /usr/local/bin/everycore
COPY config/everycore.yaml /etc/everycore/everycore.yaml
USER everycore
EXPOSE 8080
# The master drains on TERM: it stops accepting and lets requests in flight finish.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=2s --start-period=2s CMD ["/bin/bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 1 answer <&3 && [[ $answer == *' 200 '* ]]"]
ENTRYPOINT ["everycore"]
CMD ["serve"]
