/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_sought.h"
#include "tlsrpt_tally.h"


/* Bytes of the length before a body. */

static size_t
length_len(const char *packed, size_t len)
{
    size_t  n = 0;

    while (n < len && ((unsigned char) packed[n] & 0x80)) {
        n++;
    }

    return n + 1;
}


/* As the log has it. */

static void
be_struck(tlsrpt_buf_t *packed)
{
    if (!packed->failed) {
        packed->data[length_len(packed->data, packed->len)]
            |= TLSRPT_PACKED_STRUCK;
    }
}


int
tlsrpt_sought_init(tlsrpt_sought_t *s, const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_kept_head_t *head)
{
    int             rc;
    tlsrpt_str_t    org = report->organization_name;
    tlsrpt_tally_t  tally;

    memset(s, 0, sizeof(*s));
    s->domain = report->domains[domain];
    s->organization = tlsrpt_value_of(org.data, org.len);
    s->via = head->flags & TLSRPT_KEPT_MAIL ? TLSRPT_VIA_MAIL
                                            : TLSRPT_VIA_HTTPS;
    s->successful = head->successful;
    s->failed = head->failed;
    s->is_struck = head->is_struck;
    s->decoder = malloc(sizeof(*s->decoder));

    if (s->decoder == NULL
        || tlsrpt_tally_report(&tally, report, domain) != 0)
    {
        return -1;
    }

    s->failed_in_details = tally.failed_in_details;
    rc = tlsrpt_packed_encode(&s->full, &tally, s->domain, org, s->via, 0);

    if (rc == 0) {
        rc = tlsrpt_packed_encode(&s->brief, &tally, s->domain, org, s->via, 1);
    }

    tlsrpt_tally_free(&tally);

    if (rc == 0 && s->is_struck) {
        be_struck(&s->full);
        be_struck(&s->brief);
    }

    return rc;
}


void
tlsrpt_sought_free(tlsrpt_sought_t *s)
{
    tlsrpt_buf_free(&s->full);
    tlsrpt_buf_free(&s->brief);
    free(s->decoder);
    s->decoder = NULL;
}


static int
is_same(const tlsrpt_buf_t *packed, const char *p, size_t len)
{
    return packed->len == len && memcmp(packed->data, p, len) == 0;
}


static int
is_value(tlsrpt_value_t a, tlsrpt_value_t b)
{
    return a.kind == b.kind && a.len == b.len
           && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}


/* p: as it is where it counts; the log is left alone. */

static int
is_like(const tlsrpt_sought_t *s, const char *p, size_t len, size_t flags)
{
    int               rc = 0;
    char             *copy = malloc(len);
    tlsrpt_packed_t  *packed = s->decoder;

    if (copy != NULL) {
        memcpy(copy, p, len);
        copy[flags] = (char) (copy[flags] & ~TLSRPT_PACKED_STRUCK);
        tlsrpt_packed_begin(packed, s->domain, copy, len);

        rc = tlsrpt_packed_next(packed) && packed->via == s->via
             && packed->successful == s->successful
             && packed->failed == s->failed
             && is_value(packed->organization, s->organization);
    }

    free(copy);

    return rc;
}


int
tlsrpt_sought_find(const tlsrpt_sought_t *s, tlsrpt_str_t day_log, int loosely,
    tlsrpt_place_t *place)
{
    size_t  at = 0, len;

    while ((len = tlsrpt_packed_first(day_log.data + at, day_log.len - at))
           != 0)
    {
        const char    *p = day_log.data + at;
        const size_t   flags = length_len(p, len);
        const int      struck = (p[flags] & TLSRPT_PACKED_STRUCK) != 0;

        if (struck == s->is_struck
            && (loosely ? is_like(s, p, len, flags)
                        : is_same(&s->full, p, len)
                          || is_same(&s->brief, p, len)))
        {
            place->at = at;
            place->len = len;
            place->flags = at + flags;
            return 1;
        }

        at += len;
    }

    return 0;
}
