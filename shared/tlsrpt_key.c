/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>

#include "tlsrpt_key.h"
#include "tlsrpt_time.h"


static int
bounded(tlsrpt_str_t s, size_t max)
{
    return (int) (s.len > max ? max : s.len);
}


void
tlsrpt_key_domain(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    const char *suffix)
{
    int  n = snprintf(key->data, TLSRPT_KEY_SIZE, "%.*s:{%.*s}%s",
                      bounded(prefix, TLSRPT_MAX_PREFIX), prefix.data,
                      bounded(domain, TLSRPT_DOMAIN_LEN), domain.data, suffix);

    key->len = n < 0 ? 0 : n < TLSRPT_KEY_SIZE ? (size_t) n
                                               : TLSRPT_KEY_SIZE - 1;
}


void
tlsrpt_key_month(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day)
{
    char  suffix[TLSRPT_DAY_TEXT_LEN + 2] = ":";

    tlsrpt_day_text(day, suffix + 1);
    suffix[1 + sizeof("YYYY-MM") - 1] = '\0';
    tlsrpt_key_domain(key, prefix, domain, suffix);
}


void
tlsrpt_key_day(tlsrpt_key_t *key, tlsrpt_str_t prefix, tlsrpt_str_t domain,
    int32_t day, const char *suffix)
{
    char  text[TLSRPT_DAY_TEXT_LEN + 1], all[48];

    tlsrpt_day_text(day, text);

    if (snprintf(all, sizeof(all), ":%s%s", text, suffix) < 0) {
        all[0] = '\0';
    }

    tlsrpt_key_domain(key, prefix, domain, all);
}
