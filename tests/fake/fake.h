/* tests/fake/fake.h — Plays a script (fake/script.h) against the code under test.
 *
 * Everything runs on one loop with a clock of its own, which moves only while nobody has anything
 * to do: minutes of silence pass in milliseconds, and each wait is seen.
 *
 *     struct fake *f = fake_new("tests/http/x.http", do_it, self, &e);
 *     …make the client on fake_loop(f), for the server at fake_address(f, 0)…
 *     failed = fake_run(f);            // do_it(command) for "$" lines, which fake_say()s outcomes
 *
 * Requests and outcomes must come in the script's order; a missing, another or one more fails. */
#ifndef FAKE_FAKE_H
#define FAKE_FAKE_H
#include <stddef.h>
#include <stdint.h>

struct err;
struct fake;
struct loop;

/* Returns -1 when it does not know the command. */
typedef int fake_do_fn(const char *command, void *ctx);

struct fake *fake_new(const char *script, fake_do_fn *act, void *ctx, struct err *e);
void fake_free(struct fake *f); /* after all that uses its loop; NULL is fine */
struct loop *fake_loop(const struct fake *f);
const char *fake_address(const struct fake *f, size_t host);

/* An outcome: what the code under test said, as one line. */
void fake_say(struct fake *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0, or -1 after telling on stderr which line of the script was not met. */
int fake_run(struct fake *f);

#endif
