// Tests that start the real programs and do them the harm that a machine, a client or a user would.
//
// One at a time: several measure how long something takes, and each starts processes of its own. Every wait has a limit.

import Testing
import TestSupport

@Suite(.serialized) enum ProcessTests {}
