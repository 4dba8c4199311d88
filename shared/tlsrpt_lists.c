/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_lists.h"


/* Command 0 is the domain; command n the list of the day to - n + 1. */


int
tlsrpt_lists_init(tlsrpt_lists_t *lists, int32_t from, int32_t to,
    tlsrpt_str_t domain, tlsrpt_str_t prefix)
{
    char  *p = malloc(domain.len + prefix.len + 2);

    if (p == NULL) {
        return -1;
    }

    memset(lists, 0, sizeof(*lists));
    lists->from = from;
    lists->to = to;
    lists->day = to;

    memcpy(p, domain.data, domain.len);
    p[domain.len] = '\0';
    lists->domain.data = p;
    lists->domain.len = domain.len;

    p += domain.len + 1;
    memcpy(p, prefix.data, prefix.len);
    p[prefix.len] = '\0';
    lists->prefix.data = p;
    lists->prefix.len = prefix.len;

    return 0;
}


void
tlsrpt_lists_free(tlsrpt_lists_t *lists)
{
    free((char *) lists->domain.data);
    lists->domain.data = NULL;
}


static const tlsrpt_command_t *
command(tlsrpt_lists_t *lists, const char *name, const char *field)
{
    lists->argv[0] = name;
    lists->argvlen[0] = strlen(name);
    lists->argv[1] = lists->key.data;
    lists->argvlen[1] = lists->key.len;
    lists->argv[2] = field;
    lists->argvlen[2] = field ? strlen(field) : 0;

    lists->command.argv = lists->argv;
    lists->command.argvlen = lists->argvlen;
    lists->command.argc = field ? 3 : 2;
    lists->command.nkeys = 1;

    return &lists->command;
}


const tlsrpt_command_t *
tlsrpt_lists_next(tlsrpt_lists_t *lists, size_t *n)
{
    if (!lists->began) {
        lists->began = 1;
        *n = 0;
        tlsrpt_key_domain(&lists->key, lists->prefix, lists->domain, "");

        return command(lists, "HGET", "all");
    }

    if (lists->day < lists->from) {
        return NULL;
    }

    *n = (size_t) (lists->to - lists->day) + 1;
    tlsrpt_key_day(&lists->key, lists->prefix, lists->domain, lists->day--,
                   ":reports");

    return command(lists, "HGETALL", NULL);
}


int
tlsrpt_lists_add(tlsrpt_lists_t *lists, size_t n, const tlsrpt_reply_t *reply,
    int32_t *day)
{
    if (n == 0) {
        lists->seen = reply->type == TLSRPT_REPLY_STRING;
        return 0;
    }

    *day = lists->to - (int32_t) n + 1;

    return reply->type == TLSRPT_REPLY_ARRAY;
}
