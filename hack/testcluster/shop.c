/* hack/testcluster/shop.c — One small static program for everything the test cluster runs.
 *
 *   shop            an app of the shop: answers HTTP on :8080 as $SHOP_APP at $SHOP_VERSION;
 *                   $SHOP_FATE is good, crash (says why and exits), oom (takes all memory it can get)
 *                   or unready (/healthz is 503)
 *   shop traffic HOST:PORT…   waits until each has answered, then asks them in turn, counts, and
 *                             answers the counts on :8080
 *   shop migrate    an app's init container: is done at once, or crashes as the app does
 *   shop count      prints what the traffic in the same pod has counted
 *   shop pause      sleeps: the pod sandbox's process
 *
 * It is a well-behaved app: on SIGTERM it goes on answering for two seconds, until no Service sends
 * it anything, and then ends. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT 8080
#define LINGER_S 2
#define PATIENCE_S 3 /* a request that takes longer has failed */
#define PAUSE_NS (10 * 1000 * 1000)

static const char *setting(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return value && *value ? value : fallback;
}

static void be_patient(int fd)
{
    struct timeval tv = { .tv_sec = PATIENCE_S };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv);
}

/* --- the server --- */

typedef int answer_fn(const char *request, char *body, size_t n); /* the HTTP status */

static int listen_here(void)
{
    struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
    struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(PORT) };
    int on = 1, off = 0, fd = socket(AF_INET6, SOCK_STREAM, 0);

    if (fd >= 0) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (!bind(fd, (struct sockaddr *)&any, sizeof any) && !listen(fd, 128))
            return fd;
        close(fd);
    }
    fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&any4, sizeof any4) || listen(fd, 128)) {
        perror("shop: cannot listen");
        exit(1);
    }
    return fd;
}

static void serve(answer_fn *answer)
{
    int listener = listen_here();

    for (;;) {
        char request[2048] = "", body[256], reply[512];
        int fd = accept(listener, NULL, NULL), n, status;

        if (fd < 0)
            continue;
        be_patient(fd);
        if (recv(fd, request, sizeof request - 1, 0) > 0) {
            status = answer(request, body, sizeof body);
            n = snprintf(reply, sizeof reply,
                         "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                         "Connection: close\r\n\r\n%s",
                         status, status == 200 ? "OK" : "Service Unavailable", strlen(body), body);
            send(fd, reply, (size_t)n, MSG_NOSIGNAL);
            shutdown(fd, SHUT_WR);
            while (recv(fd, request, sizeof request, 0) > 0)
                ; /* until the client is done: closing earlier could reset its read */
        }
        close(fd);
    }
}

static int answer_shop(const char *request, char *body, size_t n)
{
    int unready = !strcmp(setting("SHOP_FATE", "good"), "unready");

    if (!strncmp(request, "GET /healthz ", 13)) {
        snprintf(body, n, unready ? "warming up\n" : "ok\n");
        return unready ? 503 : 200;
    }
    snprintf(body, n, "%s %s\n", setting("SHOP_APP", "shop"), setting("SHOP_VERSION", "dev"));
    return 200;
}

/* --- the traffic --- */

static atomic_long sent, failed;

/* A connection to "1.2.3.4:80" or "[fd00::1]:80"; -1 when there is none. */
static int dial(const char *target)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
    bool is_v6 = *target == '[';
    char host[64];
    const char *port = strrchr(target, ':');
    int fd;

    if (!port)
        return -1;
    snprintf(host, sizeof host, "%.*s", (int)(port - target) - 2 * is_v6, target + is_v6);
    v4.sin_port = v6.sin6_port = htons((uint16_t)strtoul(port + 1, NULL, 10));
    if (inet_pton(is_v6 ? AF_INET6 : AF_INET, host,
                  is_v6 ? (void *)&v6.sin6_addr : (void *)&v4.sin_addr) != 1)
        return -1;
    fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    be_patient(fd);
    if (!connect(fd, is_v6 ? (void *)&v6 : (void *)&v4, is_v6 ? sizeof v6 : sizeof v4))
        return fd;
    close(fd);
    return -1;
}

/* GET / of the target. 0, or -1 with what went wrong. */
static int ask(const char *target, char *reply, size_t n, const char **ret_why)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
    size_t got = 0;
    ssize_t more = -1;
    int fd = dial(target);

    *ret_why = "connect";
    if (fd < 0)
        return -1;
    *ret_why = "send";
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0) {
        while (got < n - 1 && (more = recv(fd, reply + got, n - 1 - got, 0)) > 0)
            got += (size_t)more;
        *ret_why = more < 0 ? "receive" : "answer";
    }
    reply[got] = '\0';
    close(fd);
    return more == 0 && !strncmp(reply, "HTTP/1.1 200 ", 13) ? 0 : -1;
}

static void *send_traffic(void *ctx)
{
    for (char **target = ctx;; target = target[1] ? target + 1 : ctx) {
        char reply[1024];
        const char *why;

        sent++;
        if (ask(*target, reply, sizeof reply, &why)) {
            failed++;
            fprintf(stderr, "%s: failed at %s: %s\n", *target, why, strerror(errno));
        }
        nanosleep(&(struct timespec){ .tv_nsec = PAUSE_NS }, NULL);
    }
    return NULL;
}

/* A Service that was just made is not on every node's way yet: that is no failed request. */
static void await_answers(char **targets)
{
    for (; *targets; targets++) {
        char reply[1024];
        const char *why;

        while (ask(*targets, reply, sizeof reply, &why))
            nanosleep(&(struct timespec){ .tv_nsec = 10 * PAUSE_NS }, NULL);
    }
}

static int answer_counts(const char *request, char *body, size_t n)
{
    (void)request;
    snprintf(body, n, "%ld sent, %ld failed\n", sent, failed);
    return 200;
}

static int print_counts(void)
{
    char reply[1024];
    const char *why, *body;

    if (ask("127.0.0.1:8080", reply, sizeof reply, &why) || !(body = strstr(reply, "\r\n\r\n"))) {
        fprintf(stderr, "shop: no traffic runs here (%s)\n", why);
        return 1;
    }
    fputs(body + 4, stdout);
    return 0;
}

/* --- */

static void linger(int signal)
{
    (void)signal;
    alarm(LINGER_S);
}

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

/* Until the kernel ends it. */
static void devour(void)
{
    for (;;) {
        char *piece = malloc(1 << 20);

        if (piece)
            memset(piece, 1, 1 << 20);
    }
}

static bool crashes(void)
{
    const char *app = setting("SHOP_APP", "shop"), *version = setting("SHOP_VERSION", "dev");

    if (strcmp(setting("SHOP_FATE", "good"), "crash"))
        return false;
    fprintf(stderr, "%s %s: starting\n", app, version);
    fprintf(stderr, "%s: FATAL: DATABASE_URL is not set\n", app);
    return true;
}

static int run_app(void)
{
    const char *app = setting("SHOP_APP", "shop"), *version = setting("SHOP_VERSION", "dev");

    if (crashes())
        return 1;
    if (!strcmp(setting("SHOP_FATE", "good"), "oom"))
        devour();
    signal(SIGTERM, linger);
    signal(SIGALRM, leave);
    fprintf(stderr, "%s %s: listening on :%d\n", app, version, PORT);
    serve(answer_shop);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    const char *what = argc > 1 ? argv[1] : "";

    if (!strcmp(what, "pause")) {
        signal(SIGTERM, leave);
        signal(SIGINT, leave);
        for (;;) { /* process 1 of a pod with a shared process namespace reaps its orphans */
            pause();
            while (waitpid(-1, NULL, WNOHANG) > 0)
                ;
        }
    }
    if (!strcmp(what, "migrate"))
        return crashes();
    if (!strcmp(what, "count"))
        return print_counts();
    if (!strcmp(what, "traffic") && argc > 2) {
        signal(SIGTERM, leave);
        await_answers(argv + 2);
        pthread_create(&thread, NULL, send_traffic, argv + 2);
        serve(answer_counts);
    }
    return run_app();
}
