// Sends exactly COUNT requests over one connection, DEPTH at a time, and waits for each batch's responses: the same
// bytes in the same portions in every run, which is what an instruction count needs in order to repeat.
// usage: counted PORT COUNT DEPTH

#include "client.h"

int main(int count, char **arguments) {
    if (count != 4) errx(64, "usage: counted PORT COUNT DEPTH");
    int port = atoi(arguments[1]), left = atoi(arguments[2]), depth = atoi(arguments[3]);
    if (depth < 1 || depth > 64) errx(64, "DEPTH is 1 to 64");
    char batch[64 * sizeof REQUEST] = "";
    for (int i = 0; i < depth; i++) memcpy(batch + i * (sizeof REQUEST - 1), REQUEST, sizeof REQUEST - 1);
    int fd = connect_to(port, 1);
    if (fd < 0) err(1, "connect 127.0.0.1:%d", port);
    while (left > 0) {
        int now = left < depth ? left : depth;
        write_all(fd, batch, now * (sizeof REQUEST - 1));
        read_responses(fd, now);
        left -= now;
    }
    close(fd);
}
