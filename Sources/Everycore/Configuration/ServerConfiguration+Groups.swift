// The settings that come in groups: the access log, files, compression, limits, timeouts, rates, messages, respawn, stuck, quarantine, recycle, routes.
// The group's name is the key's first half (`limits.body`), the property's name in snake case its second.
// Plain values, read in the master before the fork and inherited by every worker.

extension ServerConfiguration {
    /// What is served without a handler.
    public struct BuiltInRoutes: Sendable, Equatable {
        /// Serves `/health` and `/ready`, where no route of the application's has their paths.
        public var builtin = true
        /// In the command, serves `/`, `/plaintext`, `/json`, `/whoami`, `/echo`, `/sleep` and `/work` too, where no file is. A server
        /// of one's own has none of them. Without `builtin` there are none either.
        public var demonstration = true
    }

    /// The push of all figures to a StatsD receiver, by a process of its own.
    public struct StatsD: Sendable, Equatable {
        /// Where the receiver takes datagrams.
        public enum Address: Sendable, Equatable, CustomStringConvertible {
            /// UDP, at an IPv4 or IPv6 address without brackets.
            case address(host: String, port: Int)
            /// A Unix socket, at most 107 bytes.
            case path(String)
            /// Nothing is pushed.
            case off

            public var description: String { ValueFormat.statsd.render(self) }
        }

        public var address = Address.off
        /// Stands before every name: `shop.`.
        public var prefix = ""
        /// How often, 1 s…1 h.
        public var interval: Duration = .seconds(10)
        /// Sends labels as tags of DogStatsD, `|#method:GET`. Without them they become part of the name, `.method.GET`.
        public var tags = true

        public init() {}
    }

    /// A line for each response; see <doc:AccessLog>.
    public struct AccessLog: Sendable, Equatable {
        /// Where lines go.
        public enum Target: Sendable, Equatable {
            case off
            /// The standard output.
            case stdout
            /// A file, which the master opens to append to; made where there is none.
            case path(String)
        }

        /// What a line looks like.
        public enum Format: String, Sendable, Equatable, CaseIterable {
            /// NCSA's common log format.
            case common
            /// The same with `Referer` and `User-Agent`.
            case combined
            /// One JSON object per line.
            case json
        }

        public var target = Target.off
        public var format = Format.combined
        /// One response of so many has a line, chosen by chance. 1 for all.
        public var sample = 1
        /// Only responses that took at least so long have a line; where ``sample`` is more than 1, one of so many of the others has one, too.
        public var slowerThan: Duration?

        public init() {}
    }

    /// How the files below `root` are served.
    public struct Files: Sendable, Equatable {
        /// The names of the pages that stand for a directory, the first that exists wins. Empty for none.
        public var index = ["index.html"]
        /// Lists the names in a directory that has no index page.
        public var listing = false
        /// Sends `Cache-Control` with the files whose path matches; the first rule that matches counts. None by default: then
        /// caches decide for themselves (RFC 9111 §4.2.2).
        public var cacheControl: [CacheRule] = []
        /// The media types of endings and names, before those that the server knows itself; the first rule that matches counts.
        public var types: [TypeRule] = []
        /// The charset that the server's own types of text are sent with; `nil` sends none, and browsers look into the file. Only `types` says
        /// another one for single endings.
        public var charset: String? = "utf-8"
        /// The memory in which each worker caches files of at most 64 KiB and the metadata of larger ones, in bytes; 0 caches nothing. Entries
        /// are checked again after a second.
        public var cacheSize = 8 << 20
        /// Sends `name.br`, `name.zst` or `name.gz` in the place of `name` to clients that accept it, where there is one.
        public var precompressed = true

        public init() {}
    }

    /// How responses that handlers make are compressed on their way out; files have `files.precompressed`.
    public struct Compression: Sendable, Equatable {
        /// The codings that clients are offered, of `ContentCoding.available`. None by default: compressing costs many times
        /// as much as a small response, and the length of a response with a secret beside text of the request leaks the secret (BREACH).
        public var codings: [ContentCoding] = []
        /// The smallest body that is compressed, in bytes. Streams of unknown length are always compressed.
        public var minimum = 1024
        /// How hard to try, 1…9: zlib's and zstd's level, brotli's quality.
        public var level = 4

        public init() {}
    }

    /// How much a peer may send. All sizes in bytes.
    public struct Limits: Sendable, Equatable {
        /// The request line with its end (414).
        public var requestLine = 8192
        /// The request's target (414). At most 16 bytes less than the request line.
        public var target = 8000
        /// One field line of the header section (431).
        public var fieldLine = 8192
        /// The whole header section (431).
        public var headerSection = 32768
        /// The number of field lines (431).
        public var fieldCount = 100
        /// A request's content, after chunks are taken apart (413).
        public var body = 1 << 20
        /// The chunk extensions of one request together (400).
        public var chunkExtensions = 4096
        /// The trailer section (431).
        public var trailerSection = 8192
        /// Requests on one connection before it is closed; 0 sets no bound.
        public var requestsPerConnection = 0
        /// Open connections per worker; 0 stands for as many as its descriptor limit allows.
        public var connections = 0
    }

    /// How long a peer, a handler or a worker may take.
    public struct Timeouts: Sendable, Equatable {
        /// From a request's first byte, or from the accept, to the end of its header section (408).
        public var header = Duration.seconds(10)
        /// Between two arrivals of a request's content (408).
        public var body = Duration.seconds(30)
        /// Between two requests of a connection; then it is closed. Longer than the usual 60 s of proxies and load balancers, so that these
        /// close first.
        public var idle = Duration.seconds(75)
        /// While the peer takes nothing of a response: the connection is reset.
        public var write = Duration.seconds(30)
        /// From a complete header section to the handler's answer (503); `nil` waits for ever.
        public var handler: Duration? = .seconds(30)
        /// From TERM, INT or a reload to the end of requests in flight.
        public var drain = Duration.seconds(30)
        /// From TERM to the drain: `/ready` answers 503, and everything else is served until load balancers have removed this server.
        public var lameDuck = Duration.zero
    }

    /// How slow a peer may be. Bytes per second.
    public struct Rates: Sendable, Equatable {
        /// The least rate at which a request's content arrives, averaged since its first byte (408); 0 sets no bound.
        public var bodyMinimum = 240
    }

    /// Messages between workers and master.
    public struct Messages: Sendable, Equatable {
        /// Messages that wait for one receiver; the sender of one more gets an error.
        public var queue = 1024
        /// The encoded size of one message, in bytes. A larger one than a packet of 128 KiB is sent as a memory file.
        public var size = 64 * 1024 * 1024
    }

    /// How a worker that died is replaced: at once, except after failed starts.
    public struct Respawn: Sendable, Equatable {
        /// How long a worker must have been ready, or must have had a connection, for its end to be no failed start.
        public var young = Duration.seconds(1)
        /// A worker that is not ready by then is killed: its start has failed.
        public var startDeadline = Duration.seconds(30)
        /// Starts a second after deaths, for all workers, in the long run; 20 may come at once. Nil for ten for each usable core, at least 20.
        /// While no worker serves or starts, the next start is due within 50 ms all the same.
        public var rate: Int?
        /// The pause after the first failed start while no worker of the present plan was ever good; it doubles with each that follows.
        public var delayFirst = Duration.milliseconds(100)
        /// The longest pause.
        public var delayMaximum = Duration.seconds(10)
        /// How long every start must have failed, without a worker that was good, until the master ends with exit status 70.
        public var giveUp = Duration.seconds(60)
    }

    /// When a worker whose loop doesn't turn is ended.
    public struct Stuck: Sendable, Equatable {
        public enum Limit: Sendable, Equatable {
            /// As long as ``Timeouts/handler``, so that handlers that never wait have as much time as those that do: at least 30 seconds;
            /// a minute where that is off.
            case automatic
            case after(Duration)
            case off
        }

        /// How long its thread may use the CPU, or sleep in the kernel, in one handler. Time in which it got no CPU doesn't count.
        public var limit = Limit.automatic
        /// When no worker's loop has turned for so long, others replace the stuck ones. `nil`: never.
        public var standIn: Duration? = .seconds(2)
    }

    /// When requests that keep killing workers are served by a worker of their own; see <doc:Quarantine>.
    public struct Quarantine: Sendable, Equatable {
        /// So many deaths within ``window`` make a route or a path suspect; 0 turns quarantine off.
        public var deaths = 3
        /// The time within which deaths count together.
        public var window = Duration.seconds(60)
        /// How long quarantine lasts after the last death; doubled each time that it has to begin again.
        public var duration = Duration.seconds(30)
        /// The longest quarantine after the last death.
        public var durationMaximum = Duration.seconds(600)
        /// Requests that wait for the quarantine worker; further ones get a 503 with `Retry-After`.
        public var queue = 64
        /// How long the quarantine worker's loop may be stuck in one request.
        public var stuck = Duration.seconds(5)
    }

    /// When a healthy worker is replaced: it drains when its successor is ready. One at a time.
    public struct Recycle: Sendable, Equatable {
        /// The memory at which a worker is replaced.
        public struct Memory: Sendable, Equatable {
            /// In RAM, what it shares with the others included.
            public var bytes: Int?
            /// In percent of the median of all other workers; from three workers on.
            public var percentOfMedian: Int?

            public init(bytes: Int? = nil, percentOfMedian: Int? = nil) {
                self.bytes = bytes
                self.percentOfMedian = percentOfMedian
            }
        }

        /// Requests that a worker answers; 0 sets no bound.
        public var requests = 0
        /// The age that a worker reaches; `nil` sets no bound.
        public var age: Duration?
        public var memory = Memory()
        /// By how many percent of `requests` and `age` a worker is replaced later, at most: a random part of it.
        public var jitter = 10
    }
}
