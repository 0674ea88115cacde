// HTTP's exchange as what routes answer.
// Process: worker · Thread: loop

package import EverycoreHTTP

extension Exchange: RequestExchange {}
