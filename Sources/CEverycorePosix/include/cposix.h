// What Swift can't call or express: one header per area, each with its own C file.
#pragma once
#include "cposix_concurrency.h"
#include "cposix_eventloop.h"
#include "cposix_cluster.h"
#include "cposix_lifecycle.h"
#include "cposix_messages.h"
#include "cposix_http.h"
#include "cposix_everycore.h"
#include "cposix_sharing.h"
#include "cposix_listeners.h"
#include "cposix_world.h"
