/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * MTA-STS policies: their modes, their text, their id.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "mta_sts_policy.h"
#include "mta_sts_reason.h"


static const char *const  mta_sts_modes[] = {
    [MTA_STS_NONE]    = "none",
    [MTA_STS_TESTING] = "testing",
    [MTA_STS_ENFORCE] = "enforce",
};

#define NMODES  (sizeof(mta_sts_modes) / sizeof(mta_sts_modes[0]))


int
mta_sts_mode(tlsrpt_str_t word)
{
    for (size_t i = 0; i < NMODES; i++) {
        if (tlsrpt_str_is(word, mta_sts_modes[i])) {
            return (int) i;
        }
    }

    return -1;
}


const char *
mta_sts_mode_name(int mode)
{
    return mta_sts_modes[mode];
}


int
mta_sts_policy_set_mode(mta_sts_policy_t *policy, const char *value,
    size_t len, const char **reason)
{
    char          buf[MTA_STS_QUOTE_LEN];
    tlsrpt_str_t  word = { value, len };
    const int     mode = mta_sts_mode(word);

    *reason = NULL;

    if (mode != -1) {
        policy->mode = mode;
        return 0;
    }

    for (size_t i = 0; i < NMODES; i++) {
        if (len == strlen(mta_sts_modes[i])
            && tlsrpt_str_begins_in_any_case(word, mta_sts_modes[i]))
        {
            *reason = mta_sts_reason("mode \"%s\" must be in lower case: "
                                     "\"%s\"",
                                     mta_sts_quote(value, len, buf),
                                     mta_sts_modes[i]);
            return -1;
        }
    }

    *reason = mta_sts_reason("mode \"%s\" is not one of \"enforce\", "
                             "\"testing\" and \"none\"",
                             mta_sts_quote(value, len, buf));
    return -1;
}


/* Appends what still fits; returns the length with it. */

static size_t
append(char *buf, size_t size, size_t len, const char *name,
    const char *value)
{
    int   n;
    char  line[TLSRPT_DOMAIN_LEN + 32];

    n = snprintf(line, sizeof(line), "%s: %s\r\n", name, value);

    if (len + (size_t) n <= size) {
        memcpy(buf + len, line, (size_t) n);
    }

    return len + (size_t) n;
}


static size_t
write_text(const mta_sts_policy_t *policy, const char *const *mx, char *buf,
    size_t size)
{
    char    seconds[16];
    size_t  len;

    (void) snprintf(seconds, sizeof(seconds), "%lu",
                    (unsigned long) policy->max_age);

    len = append(buf, size, 0, "version", "STSv1");
    len = append(buf, size, len, "mode", mta_sts_modes[policy->mode]);

    for (size_t i = 0; i < policy->nmx; i++) {
        len = append(buf, size, len, "mx", mx[i]);
    }

    return append(buf, size, len, "max_age", seconds);
}


static void
list_mx(const mta_sts_policy_t *policy, const char *mx[MTA_STS_MAX_MX])
{
    for (size_t i = 0; i < policy->nmx; i++) {
        mx[i] = policy->mx[i];
    }
}


size_t
mta_sts_policy_text(const mta_sts_policy_t *policy, char *buf, size_t size)
{
    const char  *mx[MTA_STS_MAX_MX];

    list_mx(policy, mx);

    return write_text(policy, mx, buf, size);
}


static int
compare_mx(const void *one, const void *two)
{
    return strcmp(*(const char *const *) one, *(const char *const *) two);
}


/* The order of the patterns has no meaning, so the id does not see it. */

void
mta_sts_policy_id(const mta_sts_policy_t *policy, char id[MTA_STS_ID_LEN + 1])
{
    char           text[MTA_STS_MAX_MX * (TLSRPT_DOMAIN_LEN + 16) + 64];
    size_t         len;
    const char    *mx[MTA_STS_MAX_MX];
    unsigned char  hash[SHA256_DIGEST_LENGTH];

    list_mx(policy, mx);
    qsort(mx, policy->nmx, sizeof(mx[0]), compare_mx);

    len = write_text(policy, mx, text, sizeof(text));
    (void) SHA256((const unsigned char *) text, len, hash);

    for (size_t i = 0; i < 12; i++) {
        (void) snprintf(id + 2 * i, 3, "%02x", hash[i]);
    }
}
