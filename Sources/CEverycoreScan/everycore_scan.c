// Compiled as C on its own, so that a mistake in the header shows in this target. Everything is inline.
#include "everycore_scan.h"
