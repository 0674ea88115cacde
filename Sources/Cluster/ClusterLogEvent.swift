// The names of what the log tells: the `event=` of each line of a cluster. Texts and fields may change between versions, these names don't.
// The article "Log lines" lists them.
//
// Process: any · Thread: loop

package import Logging

package enum ClusterLogEvent: String, CaseIterable {
    case acceptFailed = "accept_failed"
    case autoscaleHeld = "autoscale_held"
    case autoscaleResumed = "autoscale_resumed"
    case autoscaledDown = "autoscaled_down"
    case autoscaledUp = "autoscaled_up"
    case closeListenersIgnored = "close_listeners_ignored"
    case confinementRefused = "confinement_refused"
    case coresChanged = "cores_changed"
    case drainTimedOut = "drain_timed_out"
    case figuresNotAsked = "figures_not_asked"
    case figuresNotInherited = "figures_not_inherited"
    case figuresNotSent = "figures_not_sent"
    case figuresRebased = "figures_rebased"
    case forkFailed = "fork_failed"
    case forkWithThreads = "fork_with_threads"
    case gaveUp = "gave_up"
    case historyNotInherited = "history_not_inherited"
    case lameDuckStarted = "lame_duck_started"
    case listenFailed = "listen_failed"
    case listenerLost = "listener_lost"
    case listenerNotRestored = "listener_not_restored"
    case listenerNotTaken = "listener_not_taken"
    case listenerOptionsRestored = "listener_options_restored"
    case listenerRestored = "listener_restored"
    case masterHasThreads = "master_has_threads"
    case masterReexecuted = "master_reexecuted"
    case messageIgnored = "message_ignored"
    case messageNotForwarded = "message_not_forwarded"
    case metricsSeriesRefused = "metrics_series_refused"
    case noticeNotSent = "notice_not_sent"
    case oldMasterExited = "old_master_exited"
    case orderDeferred = "order_deferred"
    case orderForwarded = "order_forwarded"
    case orderRefused = "order_refused"
    case outputLost = "output_lost"
    case packetIgnored = "packet_ignored"
    case programPathMissing = "program_path_missing"
    case quarantineEnded = "quarantine_ended"
    case quarantineNotAccepting = "quarantine_not_accepting"
    case quarantineStarted = "quarantine_started"
    case quarantineUnavailable = "quarantine_unavailable"
    case reloadFailed = "reload_failed"
    case reloadFinished = "reload_finished"
    case reloadRefused = "reload_refused"
    case reloadRollbackFailed = "reload_rollback_failed"
    case reloadRolledBack = "reload_rolled_back"
    case reloadStarted = "reload_started"
    case replacementFailed = "replacement_failed"
    case scaling
    case scalingFailed = "scaling_failed"
    case scalingRefused = "scaling_refused"
    case siblingAcceptFailed = "sibling_accept_failed"
    case slowRequest = "slow_request"
    case socketPathTaken = "socket_path_taken"
    case socketsActivated = "sockets_activated"
    case standInStarted = "stand_in_started"
    case standInsStarted = "stand_ins_started"
    case stateNotHandedOver = "state_not_handed_over"
    case stateNotTakenOver = "state_not_taken_over"
    case stopping
    case terminalLost = "terminal_lost"
    case transferSocketNotRestored = "transfer_socket_not_restored"
    case transferSocketNotWatched = "transfer_socket_not_watched"
    case transferSocketRestored = "transfer_socket_restored"
    case transferUnusable = "transfer_unusable"
    case upgradeAborted = "upgrade_aborted"
    case upgradeCancelled = "upgrade_cancelled"
    case upgradeFailed = "upgrade_failed"
    case upgradeHandingOver = "upgrade_handing_over"
    case upgradeKilled = "upgrade_killed"
    case upgradeRefused = "upgrade_refused"
    case upgradeRolledBack = "upgrade_rolled_back"
    case upgradeStarted = "upgrade_started"
    case upgradeTooLateToCancel = "upgrade_too_late_to_cancel"
    case upgradeTookOver = "upgrade_took_over"
    case workerDied = "worker_died"
    case workerDraining = "worker_draining"
    case workerExited = "worker_exited"
    case workerHeld = "worker_held"
    case workerKilledDraining = "worker_killed_draining"
    case workerKilledStuck = "worker_killed_stuck"
    case workerKilledThreadEnded = "worker_killed_thread_ended"
    case workerNotAccepting = "worker_not_accepting"
    case workerReady = "worker_ready"
    case workerReaped = "worker_reaped"
    case workerRecycled = "worker_recycled"
    case workerResponsive = "worker_responsive"
    case workerStartFailed = "worker_start_failed"
    case workerStartTimedOut = "worker_start_timed_out"
    case workerStarted = "worker_started"
    case workerStopped = "worker_stopped"
    case workerStuck = "worker_stuck"
    case workerUnkillable = "worker_unkillable"
    case workerUnresponsive = "worker_unresponsive"
}

extension Logger {
    /// A line that has an event's name besides its own fields.
    package func log(_ level: Level, event: String, _ message: Message, metadata: Metadata? = nil) {
        var fields = metadata ?? [:]
        fields["event"] = "\(event)"
        log(level: level, message, metadata: fields)
    }

    func log(_ level: Level, _ event: ClusterLogEvent, _ message: Message, metadata: Metadata? = nil) {
        log(level, event: event.rawValue, message, metadata: metadata)
    }
}
