// HUP: the cluster's description is read anew, and all workers are replaced by ones that follow it, one by one. When it fails, those that were
// replaced are replaced again, by the plan before. What comes next is Rollout's to say.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

extension Reconciler {
    /// Reads the description anew and replaces the workers one by one. Nothing changes when it can't be read.
    /// - Returns: false when it could not be read.
    @discardableResult
    func reload() -> Bool {
        observer?.reloads()
        var next = context.plan
        do {
            if let read = context.plan.onReload { next = try context.plan.merged(with: read()) }
        } catch {
            context.log(.error, .reloadRefused, "not reloaded, nothing has changed: \(error)")
            observer?.reloaded()
            rolloutObserver?.rolloutEnded(.failed("not reloaded, nothing has changed: \(error)"), wants: nil)
            return false
        }
        context.log(.notice, .reloadStarted, "reloading")
        rollOut(next, isRestart: false)
        return true
    }

    /// Replaces the workers one by one, by the description in force.
    func restart() {
        observer?.reloads()
        context.log(.notice, .reloadStarted, "restarting the workers")
        rollOut(context.plan, isRestart: true)
    }

    private func rollOut(_ next: ClusterPlan, isRestart: Bool) {
        failure = nil
        self.isRestart = isRestart
        observer?.trialEnded()
        let former = Rollout<ClusterPlan>.Former(plan: context.plan, version: context.planVersion, isProven: workers.isProven)
        let probation = Probation(
            answered: quarantine.answeredEndpoints(), hasAnswered: pool.hasAnswered(context.planVersion), deadly: deadly)
        rollout.begin(version: nextVersion, former: former, probation: probation)
        adopt(next, version: nextVersion, isProven: false)
        nextVersion += 1
        stepSoon()
    }

    /// The endpoints in which workers died lately.
    var deadly: Set<UInt64> { deadlyEndpoints.all(now: EventLoop.monotonicNanoseconds()) }

    private func adopt(_ plan: ClusterPlan, version: Int, isProven: Bool) {
        quarantine.reset(plan.options.quarantine)
        context.adopt(plan, version: version)
        workers.policy = plan.options.respawn
        workers.changePlan(to: version, isProven: isProven)
        auxiliaries.policy = plan.options.respawn
        quarantine.supervisor.policy = plan.options.respawn
        rollout.youngAge = plan.options.respawn.youngAge.wholeNanoseconds
        observer?.planChanged()
        rolloutObserver?.planChanged()
    }

    // MARK: Ends

    func replaced() {
        observer?.reloaded()
        context.log(.notice, .reloadFinished, isRestart ? "restarted the workers" : "reloaded", ["workers": "\(workerCount)"])
        for index in context.plan.auxiliaries.indices { handle(.auxiliary(index: index)) { .replace(slot: $0) } }
        let before = workerCount
        if !isRestart { observer?.wantsWorkersOfPlan() }
        rolloutObserver?.rolloutEnded(
            .done(describedWorkers), wants: workerCount == before ? nil : workerCount)
        observer?.rolloutIsOver()
    }

    /// `8 workers, generation 12`
    var describedWorkers: String { "\(ControlVerbs.counted(workerCount)), \(WorkerGoal.generations(workers.states))" }

    func isBack(hadWork: Bool) {
        if hadWork { context.log(.notice, .reloadRolledBack, "reload rolled back") }
        observer?.reloaded()
        rolloutObserver?.rolloutEnded(.failed("rolled back: \(describedFailure)"), wants: nil)
        observer?.rolloutIsOver()
    }

    // MARK: Evidence

    /// A new worker that dies where the old ones answered may show that its plan is bad.
    func diedInRequest(_ child: Child) {
        let endpoint = child.page.blackBox.blamed?.endpoint ?? 0
        let hasAnswered = pool.work(of: child) > 0 || pool.hasAnswered(context.planVersion)
        guard let verdict = rollout.died(in: endpoint, version: child.planVersion, hasAnswered: hasAnswered) else {
            return deadlyEndpoints.died(in: endpoint, now: EventLoop.monotonicNanoseconds())
        }
        failure = ("new workers die where the old ones answered", child.role.slot, child.generation)
        follow(verdict, "new workers die where the old ones answered")
    }

    func follow(_ verdict: Rollout<ClusterPlan>.Verdict, _ reason: String) {
        switch verdict {
        case .goesOn:
            break
        case .goesBack(let former):
            goBack(to: former, reason)
        case .isLost:
            context.log(.error, .reloadRollbackFailed, "reload could not be rolled back")
            observer?.reloaded()
            rolloutObserver?.rolloutEnded(.failed("could not be rolled back either: \(describedFailure)"), wants: nil)
            observer?.rolloutIsOver()
        case .leaves:
            observer?.trialFailed()
        }
    }

    /// With the end of the worker that is the reason, where that is known by now.
    private var describedFailure: String {
        guard let failure else { return "new workers failed" }
        let end = pool.exits.last { $0.slot == failure.slot && $0.generation == failure.generation }
        return failure.reason + (end.map { " (\($0))" } ?? "")
    }

    private func goBack(to former: Rollout<ClusterPlan>.Former, _ reason: String) {
        let replaced = workers.states.count { $0.current?.version == context.planVersion }
        context.log(.error, .reloadFailed, "reload failed: rolling back", ["replaced": "\(replaced)", "reason": "\(reason)"])
        adopt(former.plan, version: former.version, isProven: former.isProven)
        // A newer order brings other workers, and need not wait for the old ones to be back.
        if observer?.takesWaitingReload(after: .failed("failed: \(describedFailure); a newer reload takes its place")) == true {
            observer?.reloaded()
            if reload() { return }
            observer?.reloads()
        }
        stepSoon()
    }
}
