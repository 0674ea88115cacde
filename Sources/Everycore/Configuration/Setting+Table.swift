// Every setting there is, in the order in which it is printed and explained in config/everycore.yaml.
// A new setting is a property of `ServerConfiguration`, a line here, and its entry in that file; a test holds the last two together.

extension Setting {
    package static let all: [Setting] = general + statsd + files + peers + processes

    private static let general = [
        Setting("host", \.host, .host, option: "host", "address to listen on"),
        Setting("port", \.port, .number(0...65535), option: "port", "TCP port to listen on; 0 lets the kernel choose"),
        Setting("listen", \.listen, .addresses, option: "listen", "addresses to listen on, in the place of host and port"),
        Setting("listen_mode", \.listenMode, .mode, "permissions of Unix sockets"),
        Setting("workers", \.workers, .workers(1...1024), option: "workers", "worker processes; auto is one per usable core, MIN..MAX follows the load"),
        Setting("root", \.root, .directory, option: "root", "directory of static files"),
        Setting("admin", \.admin, .admin, option: "admin", "where the admin pages /stats and /metrics are served"),
        Setting("admin_hosts", \.adminHosts, .hostNames, "names that the admin pages answer to, besides localhost and addresses"),
        Setting("control", \.control, .control, option: "control", "where the control socket is"),
        Setting(
            "report_interval", \.reportInterval, .reportInterval,
            option: "report-interval", "how often the figures are printed; auto is a table on a terminal, else a line a minute"),
        Setting("log_format", \.logFormat, .logFormat, option: "log-format", "form of log lines and printed figures"),
        Setting("access_log", \.accessLog.target, .accessLog, option: "access-log", "where a line for each response goes"),
        Setting("access_log_format", \.accessLog.format, .accessLogFormat, option: "access-log-format", "form of the access log's lines"),
        Setting("access_log_sample", \.accessLog.sample, .number(1...1_000_000_000), "one response of so many has a line in the access log"),
        Setting(
            "access_log_slower_than", \.accessLog.slowerThan, .durationOrOff(.milliseconds(1) ... .seconds(86400)),
            "least time of responses in the access log"),
        Setting("quiet", \.quiet, .flag, option: "quiet", "print warnings and errors only"),
        Setting(
            "slow_request", \.slowRequest, .durationOrOff(.milliseconds(100) ... .seconds(86400)), option: "slow-request",
            "age from which a request is logged, with its stack"),
        Setting("backlog", \.backlog, .number(1...65535), "connections that wait to be accepted, per listener"),
        Setting("balance", \.balance, .flag, "hand new connections to the worker that has the fewest"),
        Setting("user", \.user, .account("user"), "user that workers run as"),
        Setting("group", \.group, .account("group"), "group that workers run as"),
        Setting("no_new_privs", \.noNewPrivs, .flag, "workers never get more privileges"),
        Setting("pinning", \.pinning, .pinning, "bind each worker to a core"),
        Setting("routes.builtin", \.routes.builtin, .flag, "serve /health and /ready"),
        Setting("routes.demonstration", \.routes.demonstration, .flag, "serve the command's demonstration routes too"),
    ]

    private static let statsd = [
        Setting("statsd.address", \.statsd.address, .statsd, "StatsD receiver that the figures are pushed to"),
        Setting("statsd.prefix", \.statsd.prefix, .statsdPrefix, "what stands before every name"),
        Setting("statsd.interval", \.statsd.interval, .duration(.seconds(1) ... .seconds(3600)), "how often the figures are pushed"),
        Setting("statsd.tags", \.statsd.tags, .flag, "send labels as tags of DogStatsD, not as parts of the name"),
    ]

    private static let files = [
        Setting("files.index", \.files.index, .names, "pages that stand for a directory"),
        Setting("files.listing", \.files.listing, .flag, "list directories that have no index page"),
        Setting("files.cache_control", \.files.cacheControl, .cacheRules, "Cache-Control by pattern of the path"),
        Setting("files.types", \.files.types, .typeRules, "media types by the file's ending or name"),
        Setting("files.charset", \.files.charset, .charset, "charset of text files"),
        Setting("files.cache_size", \.files.cacheSize, .size(0...1 << 40), "bytes of files that a worker keeps in memory"),
        Setting("files.precompressed", \.files.precompressed, .flag, "send compressed siblings of files"),
        Setting("compression.codings", \.compression.codings, .codings, "codings of responses that handlers make"),
        Setting("compression.minimum", \.compression.minimum, .size(0...1 << 30), "bytes of a body from which it is compressed"),
        Setting("compression.level", \.compression.level, .number(1...9), "how hard to compress; 1 is fastest"),
    ]

    private static let peers = [
        Setting("limits.request_line", \.limits.requestLine, .size(256...65536), "bytes of the request line"),
        Setting("limits.target", \.limits.target, .size(64...65520), "bytes of the request target"),
        Setting("limits.field_line", \.limits.fieldLine, .size(256...65536), "bytes of one header field line"),
        Setting("limits.header_section", \.limits.headerSection, .size(1024...1 << 20), "bytes of the header section"),
        Setting("limits.field_count", \.limits.fieldCount, .number(8...10000), "header field lines"),
        Setting("limits.body", \.limits.body, .size(0...1 << 40), "bytes of a request's content"),
        Setting("limits.chunk_extensions", \.limits.chunkExtensions, .size(0...65536), "bytes of chunk extensions per request"),
        Setting("limits.trailer_section", \.limits.trailerSection, .size(0...65536), "bytes of the trailer section"),
        Setting(
            "limits.requests_per_connection", \.limits.requestsPerConnection, .number(0...1_000_000_000),
            "requests before a connection is closed; 0 sets no bound"),
        Setting(
            "limits.connections", \.limits.connections, .number(0...10_000_000),
            "open connections per worker; 0 is as many as its descriptors allow"),
        Setting("timeouts.header", \.timeouts.header, timeout, "until a request's header section is complete"),
        Setting("timeouts.body", \.timeouts.body, timeout, "between two arrivals of a request's content"),
        Setting("timeouts.idle", \.timeouts.idle, timeout, "between two requests of a connection"),
        Setting("timeouts.write", \.timeouts.write, timeout, "while the peer takes nothing of a response"),
        Setting("timeouts.handler", \.timeouts.handler, .durationOrOff(.milliseconds(10) ... .seconds(86400)), "until a handler answers"),
        Setting("timeouts.drain", \.timeouts.drain, .duration(.zero ... .seconds(86400)), "until requests in flight end at a stop"),
        Setting("timeouts.lame_duck", \.timeouts.lameDuck, .duration(.zero ... .seconds(86400)), "from TERM to the drain, while /ready says no"),
        Setting("rates.body_minimum", \.rates.bodyMinimum, .size(0...1 << 30), "bytes per second at which content must arrive; 0 sets no bound"),
    ]

    private static let processes = [
        Setting("messages.queue", \.messages.queue, .number(1...1_000_000), "messages that wait for one receiver"),
        Setting("messages.size", \.messages.size, .size(256...1_073_741_824), "bytes of one message"),
        Setting("respawn.young", \.respawn.young, .duration(.zero ... .seconds(3600)), "time ready after which an idle worker's end is no failed start"),
        Setting("respawn.start_deadline", \.respawn.startDeadline, .duration(.milliseconds(100) ... .seconds(3600)), "time until a worker must be ready"),
        Setting("respawn.rate", \.respawn.rate, .automaticNumber(1...10_000), "starts a second after deaths, for all workers"),
        Setting(
            "respawn.delay_first", \.respawn.delayFirst, .duration(.milliseconds(10) ... .seconds(60)), "first pause after a failed start, doubled each time"),
        Setting("respawn.delay_maximum", \.respawn.delayMaximum, .duration(.milliseconds(10) ... .seconds(600)), "longest pause"),
        Setting("respawn.give_up", \.respawn.giveUp, .duration(.seconds(1) ... .seconds(86400)), "time of failed starts only, until exit 70"),
        Setting("stuck.limit", \.stuck.limit, .stuckLimit, "time that a loop may be stuck before its worker is killed"),
        Setting(
            "stuck.stand_in", \.stuck.standIn, .durationOrOff(.milliseconds(100) ... .seconds(86400)),
            "time that no worker's loop may turn before others start"),
        Setting("quarantine.deaths", \.quarantine.deaths, .number(0...1000), "deaths that make a route or a path suspect; 0 turns quarantine off"),
        Setting("quarantine.window", \.quarantine.window, .duration(.seconds(1) ... .seconds(3600)), "time within which they count together"),
        Setting("quarantine.duration", \.quarantine.duration, .duration(.seconds(1) ... .seconds(86400)), "time in quarantine after the last death"),
        Setting(
            "quarantine.duration_maximum", \.quarantine.durationMaximum, .duration(.seconds(1) ... .seconds(86400)),
            "longest time in quarantine after the last death"),
        Setting("quarantine.queue", \.quarantine.queue, .number(1...10000), "requests that wait for the quarantine worker"),
        Setting(
            "quarantine.stuck", \.quarantine.stuck, .duration(.milliseconds(100) ... .seconds(3600)),
            "time that the quarantine worker may be stuck before it is killed"),
        Setting("recycle.requests", \.recycle.requests, .number(0...1_000_000_000_000), "requests until a worker is replaced; 0 sets no bound"),
        Setting("recycle.age", \.recycle.age, .durationOrOff(.seconds(1) ... .seconds(31_536_000)), "age until a worker is replaced"),
        Setting("recycle.memory", \.recycle.memory, .recycleMemory, "memory until a worker is replaced"),
        Setting("recycle.jitter", \.recycle.jitter, .number(0...100), "percent by which workers are replaced later, at random"),
    ]

    private static let timeout = ValueFormat.duration(.milliseconds(10) ... .seconds(86400))
}
