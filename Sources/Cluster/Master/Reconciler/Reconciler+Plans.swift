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
            return false
        }
        context.log(.notice, .reloadStarted, "reloading")
        observer?.trialEnded()
        let former = Rollout<ClusterPlan>.Former(plan: context.plan, version: context.planVersion, isProven: workers.isProven)
        let probation = Probation(
            answered: quarantine.answeredEndpoints(), hasAnswered: pool.hasAnswered(context.planVersion), deadly: deadly)
        rollout.begin(version: nextVersion, former: former, probation: probation)
        adopt(next, version: nextVersion, isProven: false)
        nextVersion += 1
        stepSoon()
        return true
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
    }

    // MARK: Ends

    func replaced() {
        observer?.reloaded()
        context.log(.notice, .reloadFinished, "reloaded", ["workers": "\(workerCount)"])
        for index in context.plan.auxiliaries.indices { handle(.auxiliary(index: index)) { .replace(slot: $0) } }
        observer?.wantsWorkersOfPlan()
        observer?.rolloutIsOver()
    }

    func isBack(hadWork: Bool) {
        if hadWork { context.log(.notice, .reloadRolledBack, "reload rolled back") }
        observer?.reloaded()
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
            observer?.rolloutIsOver()
        case .leaves:
            observer?.trialFailed()
        }
    }

    private func goBack(to former: Rollout<ClusterPlan>.Former, _ reason: String) {
        let replaced = workers.states.count { $0.current?.version == context.planVersion }
        context.log(.error, .reloadFailed, "reload failed: rolling back", ["replaced": "\(replaced)", "reason": "\(reason)"])
        adopt(former.plan, version: former.version, isProven: former.isProven)
        // A newer order brings other workers, and need not wait for the old ones to be back.
        if observer?.takesWaitingReload() == true {
            observer?.reloaded()
            if reload() { return }
            observer?.reloads()
        }
        stepSoon()
    }
}
