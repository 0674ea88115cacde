// Responses that are more than constants: conditions, compression, and content that is made while it is sent.
// Process: worker · Thread: loop

import EverycoreHTTP
import EverycoreLoop

extension RoutedApplication {
    @inline(never)
    func otherOutcome<Exchange: RequestExchange>(_ response: Response, _ exchange: Exchange, _ endpoint: Endpoint?) -> Outcome {
        var response = response
        if !response.headers.isEmpty { response.heedConditions(of: exchange.head) }
        let coding = compressor?.apply(to: &response, for: exchange.head)
        do {
            if let outcome = try exchange.outcome(of: response) { return outcome }
            produce(response, coding, exchange, endpoint)
            return .later
        } catch {
            return unsendable(exchange, error)
        }
    }

    /// Starts what makes the content of a response that has begun.
    @inline(never)
    private func produce<Exchange: RequestExchange>(
        _ response: Response, _ coding: StreamCoding?, _ exchange: Exchange, _ endpoint: Endpoint?
    ) {
        guard case .stream(let content) = response.body, exchange.sendsContent else { return exchange.end() }
        let entry = waiting.map { _ in WaitingRequests.Entry(isStreaming: true) }
        let confined = LoopBound((application: self, exchange: exchange, coding: coding, entry: entry))
        let task = context.loop.startTask {
            let (application, exchange, coding, entry) = confined.value
            do {
                try await content.produce(BodyWriter(exchange, coding, on: application.context.loop))
                let isWhole = coding.map { $0.finish(to: exchange) } ?? true
                isWhole ? exchange.end() : exchange.abort()
            } catch {
                if !exchange.isAnswered, !(error is CancellationError) { application.log(exchange, .contentFailed, "content failed", error) }
                exchange.abort()
            }
            if let entry, let waiting = application.waiting {
                waiting.remove(entry)
                waiting.forget(entry)
            }
        }
        if let entry, !entry.isOver { waiting?.add(entry, of: task, exchange, endpoint) }
        if !exchange.isAnswered { exchange.onCancel = { task.cancel() } }
    }
}
