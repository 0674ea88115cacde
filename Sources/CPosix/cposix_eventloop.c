#include "cposix_eventloop.h"
#include <sys/eventfd.h>

int cposix_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}
