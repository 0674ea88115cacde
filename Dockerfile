# docker build -t everycore .
# docker run --rm -p 8080:8080 everycore
#
# Two stages: Swift builds one binary that needs nothing but the C and C++ libraries, and a slim Debian runs it.

FROM swift:6.3-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends libbrotli-dev libevent-dev libyaml-dev libzstd-dev pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
# Without the shared libraries' links the linker takes the static ones: the run stage installs nothing.
RUN rm /usr/lib/*/libevent_core.so /usr/lib/*/libz.so /usr/lib/*/libyaml.so /usr/lib/*/libzstd.so /usr/lib/*/libbrotli*.so
WORKDIR /source
ENV TRAITS=Brotli,Zstd,Command
# The packages that everycore depends on change less often than its sources: a layer of their own.
COPY Package.swift ./
RUN swift package --traits "$TRAITS" resolve
COPY Sources Sources
COPY Tests Tests
RUN swift build --traits "$TRAITS" -c release --static-swift-stdlib --product everycore \
    && strip .build/release/everycore -o /everycore \
    && mkdir -p /share/man/man1 /share/bash-completion/completions /share/zsh/site-functions /share/fish/vendor_completions.d \
    && /everycore manual > /share/man/man1/everycore.1 \
    && /everycore --generate-completion-script bash > /share/bash-completion/completions/everycore \
    && /everycore --generate-completion-script zsh > /share/zsh/site-functions/_everycore \
    && /everycore --generate-completion-script fish > /share/fish/vendor_completions.d/everycore.fish

FROM debian:bookworm-slim
COPY --from=build /everycore /usr/local/bin/everycore
# The manual page, and completions for bash, zsh and fish.
COPY --from=build /share /usr/local/share
# Every setting with its default. Mount a file of your own over it, or set variables: -e EVERYCORE_PORT=3000.
COPY config/everycore.yaml /etc/everycore/everycore.yaml
ENV EVERYCORE_CONFIG=/etc/everycore/everycore.yaml
# An unprivileged user by number, so that orchestrators can tell that it isn't root.
USER 10001:10001
EXPOSE 8080
# The master drains on TERM: it stops accepting and lets requests in flight finish. `docker stop` kills after 10 seconds; -t 35
# leaves room for the default drain time of 30.
STOPSIGNAL SIGTERM
# Asks the port of EVERYCORE_PORT, 8080 without one; set the port there and not with --port.
HEALTHCHECK --interval=10s --timeout=2s --start-period=2s CMD ["/bin/bash", "-c", \
    "exec 3<>/dev/tcp/127.0.0.1/${EVERYCORE_PORT:-8080} && printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3 && read -r -t 1 answer <&3 && [[ $answer == *' 200 '* ]]"]
ENTRYPOINT ["everycore"]
CMD ["serve"]
