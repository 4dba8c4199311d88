/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_key.h"
#include "tlsrpt_newcomer.h"


/* Seconds: two minutes, as hosts' clocks differ. */
#define KEEP  "120"


static tlsrpt_str_t
key_text(tlsrpt_key_t *key, tlsrpt_str_t prefix, int64_t now)
{
    tlsrpt_str_t  s;

    tlsrpt_key_new(key, prefix, now / 60);
    s.data = key->data;
    s.len = key->len;

    return s;
}


tlsrpt_command_t *
tlsrpt_newcomer_count(tlsrpt_str_t prefix, tlsrpt_str_t name, int64_t now)
{
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("HINCRBY"), key_text(&key, prefix, now), name,
        TLSRPT_STR("1")
    };

    return tlsrpt_command_create(argv, 4, 1, NULL);
}


int
tlsrpt_newcomer_keep_due(int64_t count)
{
    return count == 1;
}


tlsrpt_command_t *
tlsrpt_newcomer_keep(tlsrpt_str_t prefix, int64_t now)
{
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[] = {
        TLSRPT_STR("EXPIRE"), key_text(&key, prefix, now), TLSRPT_STR(KEEP)
    };

    return tlsrpt_command_create(argv, 3, 1, NULL);
}


int
tlsrpt_newcomer_may(int64_t count)
{
    return count > 0 && count <= TLSRPT_NEWCOMERS_A_MINUTE;
}
