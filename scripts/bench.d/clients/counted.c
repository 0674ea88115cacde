// Sends exactly COUNT requests over one connection, DEPTH at a time, and waits for each batch's responses: the same
// bytes in the same portions in every run, which is what an instruction count needs in order to repeat.
// usage: counted PORT COUNT DEPTH PATH [browser]        with the fields that a browser sends

#include "client.h"

static const char BROWSER[] =
    "Connection: keep-alive\r\n"
    "Cache-Control: max-age=0\r\n"
    "sec-ch-ua: \"Chromium\";v=\"124\", \"Google Chrome\";v=\"124\", \"Not-A.Brand\";v=\"99\"\r\n"
    "sec-ch-ua-mobile: ?0\r\n"
    "sec-ch-ua-platform: \"Linux\"\r\n"
    "Upgrade-Insecure-Requests: 1\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: none\r\n"
    "Sec-Fetch-Mode: navigate\r\n"
    "Sec-Fetch-User: ?1\r\n"
    "Sec-Fetch-Dest: document\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Accept-Language: en-US,en;q=0.9\r\n";

int main(int count, char **arguments) {
    if (count != 5 && !(count == 6 && !strcmp(arguments[5], "browser"))) errx(64, "usage: counted PORT COUNT DEPTH PATH [browser]");
    int port = atoi(arguments[1]), left = atoi(arguments[2]), depth = atoi(arguments[3]);
    if (depth < 1 || depth > 64) errx(64, "DEPTH is 1 to 64");
    char request[2048], batch[64 * sizeof request];
    int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", arguments[4], count == 6 ? BROWSER : "");
    if (length < 0 || (size_t)length >= sizeof request) errx(64, "PATH is too long");
    for (int i = 0; i < depth; i++) memcpy(batch + i * length, request, length);
    int fd = connect_to(port, 1);
    if (fd < 0) err(1, "connect 127.0.0.1:%d", port);
    while (left > 0) {
        int now = left < depth ? left : depth;
        write_all(fd, batch, now * length);
        read_responses(fd, now);
        left -= now;
    }
    close(fd);
}
