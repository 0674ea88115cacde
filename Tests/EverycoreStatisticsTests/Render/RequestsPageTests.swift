// `/requests`: its members, and nothing that could break it.

import EverycoreStatistics
import Testing

struct RequestsPageTests {
    @Test func `each request is an object, the waiting are counted`() {
        let requests = [
            RunningRequest(
                worker: 1, generation: 2, pid: 3, state: .running, description: "GET /users/\"7", route: "GET /users/:id",
                ageNanoseconds: 1_500_000_000),
            RunningRequest(
                worker: -1, generation: 1, pid: 4, state: .streaming, description: "POST", route: "", ageNanoseconds: 0),
        ]
        let figures = ClusterFigures(
            takenAtNanoseconds: 1, startedAtNanoseconds: 0, wantedWorkers: 1, departed: FigureSnapshot(), departedRestarts: 0,
            unassignedReports: ReportTally(), slots: [], requests: requests, waitingRequests: 9)
        #expect(
            RequestsPage.json(figures) == #"""
                {"requests":[{"worker":1,"generation":2,"pid":3,"state":"running","method":"GET","target":"/users/\"7","route":"GET /users/:id",\#
                "age_seconds":1.5},{"worker":-1,"generation":1,"pid":4,"state":"waiting","streaming":true,"method":"POST","target":"",\#
                "route":"","age_seconds":0}],"waiting":9}
                """#)
    }
}
