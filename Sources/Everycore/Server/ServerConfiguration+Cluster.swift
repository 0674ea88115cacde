// A configuration's settings in the forms in which the cluster takes them.
//
// Runs in the process that becomes the master, before the fork. Pure, but for the logger, which writes to standard error.

package import Cluster
internal import Logging

extension ServerConfiguration {
    package var workerCount: WorkerCount {
        switch workers {
        case .auto: .perCore
        case .count(let count): .count(count)
        case .range(let bounds): .range(bounds)
        }
    }

    /// Configurations with a port out of range have been refused before this is asked.
    package var listenAddresses: [ListenAddress] {
        listen.isEmpty ? [.tcp(host: host, port: UInt16(clamping: port))] : listen
    }

    /// Nil where there is no admin worker.
    package var adminAddress: ListenAddress? {
        switch admin {
        case .automatic: .tcp(host: "127.0.0.1", port: 8081)
        case .address(let host, let port): .tcp(host: host, port: UInt16(clamping: port))
        case .path(let path): .unix(path: path)
        case .off: nil
        }
    }

    /// Nil where there is no control socket.
    package var controlPlace: ControlPlace? {
        switch control {
        case .automatic: .automatic
        case .path(let path): .path(path)
        case .off: nil
        }
    }

    /// Where the access log's lines go; nil where there is none.
    package var lineTarget: LineTarget? {
        switch accessLog.target {
        case .off: nil
        case .stdout: .standardOutput
        case .path(let path): .file(path: path)
        }
    }

    private var stuckLimit: Duration? {
        switch stuck.limit {
        case .automatic: timeouts.handler.map { max($0, .seconds(30)) } ?? .seconds(60)
        case .after(let limit): limit
        case .off: nil
        }
    }

    package var clusterOptions: ClusterOptions {
        var options = ClusterOptions()
        options.output =
            switch (quiet, logFormat) {
            case (true, _): .quiet
            case (false, .text): .automatic
            case (false, .json): .json
            }
        switch reportInterval {
        case .automatic: options.lineInterval = .seconds(60)
        case .every(let interval): options.reportInterval = interval
        // The longest one stands in: workers still report, for the admin pages and the summary.
        case .off: options.reportInterval = .seconds(3600)
        }
        options.drainDeadline = timeouts.drain
        options.respawn.youngAge = respawn.young
        options.respawn.startDeadline = respawn.startDeadline
        options.respawn.startsPerSecond = respawn.rate
        options.respawn.firstDelay = respawn.delayFirst
        options.respawn.longestDelay = respawn.delayMaximum
        options.respawn.giveUpAfter = respawn.giveUp
        options.stuckLimit = stuckLimit
        options.slowRequest = slowRequest
        options.standInAfter = stuck.standIn
        options.quarantine.deaths = quarantine.deaths
        options.quarantine.window = quarantine.window
        options.quarantine.duration = quarantine.duration
        options.quarantine.longestDuration = quarantine.durationMaximum
        options.quarantine.queueCount = quarantine.queue
        options.quarantine.stuckLimit = quarantine.stuck
        options.recycle.requests = recycle.requests > 0 ? UInt64(recycle.requests) : nil
        options.recycle.age = recycle.age
        options.recycle.residentBytes = recycle.memory.bytes.map { UInt64(clamping: $0) }
        options.recycle.medianFactor = recycle.memory.percentOfMedian.map { Double($0) / 100 }
        options.recycle.jitter = Double(recycle.jitter) / 100
        options.messages.maximumByteCount = messages.size
        options.messages.queueCount = messages.queue
        options.backlog = Int32(clamping: backlog)
        options.balancesConnections = balance
        options.socketMode = UInt32(clamping: listenMode)
        options.user = user
        options.group = group
        options.noNewPrivileges = noNewPrivs
        options.pinning = pinning
        options.lameDuck = timeouts.lameDuck
        if logFormat == .json { options.logger = Logger(label: "everycore", factory: { _ in SteeredLogHandler(JSONLogHandler()) }) }
        options.logger.logLevel = quiet ? .warning : .info
        return options
    }
}
