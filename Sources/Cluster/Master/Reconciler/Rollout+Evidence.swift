// What deaths and failed starts say about the plan in force, and the way back. A pure value.
// Process: master · Thread: loop

internal import EverycoreStatistics

extension Rollout {
    /// A start by this plan failed.
    package mutating func startFailed(slot: Int, version: Int) -> Verdict {
        guard version == self.version else { return .goesOn }
        switch state {
        case .replacing(let change), .watching(let change, _):
            // Where none lived there was none to replace: what starts there proves nothing of the new plan.
            guard change.progress.begun.contains(slot) else { return .goesOn }
            // Where a successor failed its worker is still there.
            let isSuccessor = change.progress.awaited?.slot == slot
            return goBack(change, hadWork: !change.progress.begun.subtracting(isSuccessor ? [slot] : []).isEmpty)
        case .goingBack(let progress):
            guard progress.begun.contains(slot) else { return .goesOn }
            state = .settled
            return .isLost
        case .settled, .onProbation, .onTrial, .leaving:
            return .goesOn
        }
    }

    /// A worker of this plan died in a request.
    /// - Parameters:
    ///   - endpoint: 0 where it isn't known.
    ///   - hasAnswered: it, or another one of this plan, has answered a request.
    /// - Returns: nil where the death is no evidence about a plan.
    package mutating func died(in endpoint: UInt64, version: Int, hasAnswered: Bool) -> Verdict? {
        guard version == self.version, var probation else { return nil }
        if hasAnswered { probation.answered() }
        let isCondemned = probation.died(in: endpoint)
        self.probation = probation
        guard isCondemned else { return nil }
        guard let change else {
            state = .leaving
            return .leaves
        }
        return goBack(change, hadWork: true)
    }

    private mutating func goBack(_ change: Change, hadWork: Bool) -> Verdict {
        state = .goingBack(Progress(hadWork: hadWork))
        version = change.former.version
        return .goesBack(change.former)
    }

    private var probation: Probation? {
        get {
            switch state {
            case .replacing(let change), .watching(let change, _), .onProbation(let change, _): change.probation
            case .onTrial(let probation, _): probation
            case .settled, .goingBack, .leaving: nil
            }
        }
        set {
            guard let probation = newValue else { return }
            switch state {
            case .replacing(var change):
                change.probation = probation
                state = .replacing(change)
            case .watching(var change, let end):
                change.probation = probation
                state = .watching(change, until: end)
            case .onProbation(var change, let end):
                change.probation = probation
                state = .onProbation(change, until: end)
            case .onTrial(_, let end): state = .onTrial(probation, until: end)
            case .settled, .goingBack, .leaving: break
            }
        }
    }
}
