/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The commands of the index of domains, and of domains that are new, and when
 * they are due.
 */

#include "tap.h"
#include "tlsrpt_collect.h"


/* Frees the command. */

static void
is_command(tlsrpt_command_t *command, const char *want, const char *name)
{
    char  text[1024] = "";

    for (size_t i = 0; command != NULL && i < command->argc; i++) {
        strcat(text, i ? " " : "");
        strcat(text, command->argv[i]);
    }

    is_str(text, want, "%s", name);
    ok(command != NULL && command->key == 1 && !command->script,
       "%s: the key", name);
    tlsrpt_command_destroy(command);
}


int
main(void)
{
    tlsrpt_str_t  none = { NULL, 0 }, p = TLSRPT_STR("p");
    tlsrpt_str_t  domains[] = { TLSRPT_STR("a.example"),
                                TLSRPT_STR("b.example") };

    is_command(tlsrpt_index_add(p, domains, 2),
               "ZADD p:domains 0 a.example 0 b.example", "add");
    is_command(tlsrpt_index_keep(p, 400), "EXPIRE p:domains 34646400", "keep");
    is_command(tlsrpt_index_page(p, none, 100),
               "ZRANGEBYLEX p:domains ( + LIMIT 0 100", "the first page");
    is_command(tlsrpt_index_page(p, domains[0], 1),
               "ZRANGEBYLEX p:domains (a.example + LIMIT 0 1", "the next");

    ok(tlsrpt_index_add_due(TLSRPT_INGEST_FIRST), "with the first of a day");
    ok(tlsrpt_index_add_due(TLSRPT_INGEST_DUPLICATE), "with a duplicate");
    ok(!tlsrpt_index_add_due(TLSRPT_INGEST_STORED), "with no other");
    ok(!tlsrpt_index_add_due(-1), "nor with a failure");

    ok(tlsrpt_index_keep_due(1, 0), "after a new name");
    ok(tlsrpt_index_keep_due(0, 3600), "after an hour");
    ok(!tlsrpt_index_keep_due(0, 3599), "not before");

    is_command(tlsrpt_newcomer_count(p, domains[0], 119),
               "HINCRBY p:new:1 a.example 1", "a new one");
    is_command(tlsrpt_newcomer_keep(p, 120), "EXPIRE p:new:2 120",
               "the minute's");
    ok(tlsrpt_newcomer_keep_due(1), "with the first of a name");
    ok(!tlsrpt_newcomer_keep_due(2), "with no other");
    ok(tlsrpt_newcomer_may(60), "60 a minute may");
    ok(!tlsrpt_newcomer_may(61), "one more may not");
    ok(!tlsrpt_newcomer_may(0), "nor what is no count");

    return done();
}
