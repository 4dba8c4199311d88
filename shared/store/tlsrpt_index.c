/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>

#include "tlsrpt_buf.h"
#include "tlsrpt_index.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_key.h"


/* Seconds: how often a process puts off the end of the index. */
#define KEEP_PERIOD  3600

#define NUMBER_LEN   24


static tlsrpt_str_t
key_text(const tlsrpt_key_t *key)
{
    tlsrpt_str_t  s = { key->data, key->len };

    return s;
}


static tlsrpt_str_t
number_text(uint64_t n, char buf[NUMBER_LEN])
{
    tlsrpt_str_t  s = { buf, 0 };

    s.len = (size_t) snprintf(buf, NUMBER_LEN, "%llu", (unsigned long long) n);

    return s;
}


/* What was counted by a host that could not go on to the index is sent again,
   and a duplicate then. */

int
tlsrpt_index_add_due(int64_t answer)
{
    return answer == TLSRPT_INGEST_FIRST || answer == TLSRPT_INGEST_DUE
           || answer == TLSRPT_INGEST_DUPLICATE;
}


tlsrpt_command_t *
tlsrpt_index_add(tlsrpt_str_t prefix, const tlsrpt_str_t *domains, size_t n)
{
    size_t        argc = 0;
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[2 + 2 * TLSRPT_MAX_DOMAINS];

    tlsrpt_key_index(&key, prefix);

    argv[argc++] = TLSRPT_STR("ZADD");
    argv[argc++] = key_text(&key);

    for (size_t i = 0; i < n; i++) {
        argv[argc++] = TLSRPT_STR("0");
        argv[argc++] = domains[i];
    }

    return tlsrpt_command_create(argv, argc, 1, NULL);
}


/* A new name may be the first one of an index that does not expire yet. */

int
tlsrpt_index_keep_due(int64_t added, int64_t since)
{
    return added > 0 || since >= KEEP_PERIOD;
}


tlsrpt_command_t *
tlsrpt_index_keep(tlsrpt_str_t prefix, unsigned retention_days)
{
    char          seconds[NUMBER_LEN];
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[3];

    tlsrpt_key_index(&key, prefix);

    argv[0] = TLSRPT_STR("EXPIRE");
    argv[1] = key_text(&key);
    argv[2] = number_text(((uint64_t) retention_days + 1) * 86400, seconds);

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_index_forget(tlsrpt_str_t prefix, tlsrpt_str_t domain)
{
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[3];

    tlsrpt_key_index(&key, prefix);

    argv[0] = TLSRPT_STR("ZREM");
    argv[1] = key_text(&key);
    argv[2] = domain;

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


tlsrpt_command_t *
tlsrpt_index_page(tlsrpt_str_t prefix, tlsrpt_str_t after, size_t n)
{
    char               count[NUMBER_LEN];
    tlsrpt_buf_t       min = { NULL, 0, 0, 0 };
    tlsrpt_key_t       key;
    tlsrpt_command_t  *command;

    tlsrpt_key_index(&key, prefix);
    tlsrpt_buf_add(&min, "(", 1);
    tlsrpt_buf_add(&min, after.len ? after.data : "", after.len);

    if (min.failed) {
        free(min.data);
        return NULL;
    }

    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("ZRANGEBYLEX"), key_text(&key), { min.data, min.len },
        TLSRPT_STR("+"), TLSRPT_STR("LIMIT"), TLSRPT_STR("0"),
        number_text(n, count)
    };

    command = tlsrpt_command_create(argv, sizeof(argv) / sizeof(argv[0]), 1,
                                    NULL);
    free(min.data);

    return command;
}
