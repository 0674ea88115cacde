// The evhttp peer: libevent's own HTTP server with the two routes, one process per worker with its own listener.
// usage: evhttp PORT WORKERS
// evhttp itself adds Date, Content-Length and Connection.

#include "prefork.h"
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <string.h>

static void answer(struct evhttp_request *request, const char *type, const char *body) {
    struct evbuffer *buffer = evbuffer_new();
    evbuffer_add(buffer, body, strlen(body));
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_send_reply(request, 200, "OK", buffer);
    evbuffer_free(buffer);
}

static void plaintext(struct evhttp_request *request, void *unused) {
    (void)unused;
    answer(request, "text/plain; charset=utf-8", "Hello, World!");
}

static void json(struct evhttp_request *request, void *unused) {
    (void)unused;
    answer(request, "application/json; charset=utf-8", "{\"message\":\"Hello, World!\"}");
}

static void serve(int port) {
    struct event_base *base = event_base_new();
    struct evhttp *http = evhttp_new(base);
    evhttp_set_cb(http, "/plaintext", plaintext, NULL);
    evhttp_set_cb(http, "/json", json, NULL);
    if (evhttp_accept_socket(http, listen_on(port))) errx(1, "evhttp_accept_socket");
    event_base_dispatch(base);
}

int main(int count, char **arguments) {
    if (count != 3) errx(64, "usage: evhttp PORT WORKERS");
    signal(SIGPIPE, SIG_IGN);
    prefork(atoi(arguments[2]), atoi(arguments[1]), serve);
}
