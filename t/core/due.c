/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of the due list, and what is read of a claim's reply.  What they
 * do in Redis: t/redis/due.t.
 */

#include <stdlib.h>

#include "tap.h"
#include "tlsrpt_due.h"


static tlsrpt_str_t
str(const char *text)
{
    tlsrpt_str_t  s = { text, strlen(text) };

    return s;
}


/* Frees it.  The arguments behind the SHA-1, with spaces between. */

static void
check(tlsrpt_command_t *command, const tlsrpt_script_t *script,
    const char *want, const char *name)
{
    char  text[512] = "";

    for (size_t i = 2; i < command->argc; i++) {
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%.*s",
                 i > 2 ? " " : "", (int) command->argvlen[i],
                 command->argv[i]);
    }

    is_str(text, want, "%s", name);
    is_str(command->argv[0], "EVALSHA", "by a script");
    is_str(command->argv[1], script->sha1, "that one");
    ok(command->script == script, "whose text is there");
    is_int((long long) command->key, 3, "where its key is");

    tlsrpt_command_destroy(command);
}


static tlsrpt_reply_t
string(const char *text)
{
    tlsrpt_reply_t  r = { TLSRPT_REPLY_STRING, 0, text, strlen(text), 0, NULL };

    return r;
}


static void
test_claimed(void)
{
    tlsrpt_str_t     domain, score;
    tlsrpt_reply_t   s[3] = { string("a.example"), string("1.5"),
                              string("b.example") };
    tlsrpt_reply_t  *list[4] = { &s[0], &s[1], &s[2], &s[1] };
    tlsrpt_reply_t   nil = { TLSRPT_REPLY_NIL, 0, NULL, 0, 0, NULL };
    tlsrpt_reply_t   reply = { TLSRPT_REPLY_ARRAY, 0, NULL, 0, 4, list };

    ok(tlsrpt_due_claimed(&reply, 0, &domain, &score), "a claimed domain");
    ok(tlsrpt_str_is(domain, "a.example"), "its name");
    ok(tlsrpt_str_is(score, "1.5"), "its score");
    ok(tlsrpt_due_claimed(&reply, 1, &domain, &score), "the next");
    ok(tlsrpt_str_is(domain, "b.example"), "its name");
    ok(!tlsrpt_due_claimed(&reply, 2, &domain, &score), "no more");

    reply.nelements = 3;
    ok(!tlsrpt_due_claimed(&reply, 1, &domain, &score), "none without score");
    reply.nelements = 2;
    list[0] = &nil;
    ok(!tlsrpt_due_claimed(&reply, 0, &domain, &score), "none without name");
    ok(!tlsrpt_due_claimed(&nil, 0, &domain, &score), "none of another reply");
}


static void
test_late(void)
{
    tlsrpt_command_t  *c = tlsrpt_due_late(str("t"), str("example.com"));

    is_int((long long) c->argc, 4, "late: a command");
    is_str(c->argv[0], "HINCRBY", "that counts");
    is_str(c->argv[1], "t:{example.com}", "in the domain's hash");
    is_str(c->argv[2], "l", "a field of it");
    is_int((long long) c->key, 1, "where its key is");
    tlsrpt_command_destroy(c);
}


int
main(void)
{
    test_late();
    check(tlsrpt_due_add(str("t"), str("example.com"), 5),
          &tlsrpt_due_add_script, "1 t:due example.com 5", "add");
    check(tlsrpt_due_claim(str("t"), 64, 60), &tlsrpt_due_claim_script,
          "2 t:due t:domains 64 60", "claim");
    check(tlsrpt_due_release(str("t"), str("example.com"), str("1.25"), 86400),
          &tlsrpt_due_release_script, "1 t:due example.com 1.25 86400",
          "release");
    test_claimed();

    return done();
}
