#pragma once
// libevent's headers define _GNU_SOURCE; the C library's features must be settled before, or its types differ from Swift's.
#include <sys/types.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <event2/event.h>
#include <event2/event_struct.h>
