// Tests that start the real programs, and do the harm that a machine, a client or an operator can do.
//
// One at a time: several measure how long something takes, and each starts processes of its own. Every wait has a limit.

import TestSupport
import Testing

@Suite(.serialized) enum ProcessTests {}
