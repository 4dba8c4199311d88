/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stddef.h>

#include "tlsrpt_detail_object.h"


/* By their members' numbers. */

static const size_t  fields[] = {
    [TLSRPT_CANON_RESULT]       = offsetof(tlsrpt_detail_t, result_type),
    [TLSRPT_CANON_SENDING_IP]   = offsetof(tlsrpt_detail_t, sending_mta_ip),
    [TLSRPT_CANON_MX]           = offsetof(tlsrpt_detail_t,
                                           receiving_mx_hostname),
    [TLSRPT_CANON_HELO]         = offsetof(tlsrpt_detail_t, receiving_mx_helo),
    [TLSRPT_CANON_RECEIVING_IP] = offsetof(tlsrpt_detail_t, receiving_ip),
    [TLSRPT_CANON_INFORMATION]  = offsetof(tlsrpt_detail_t,
                                           additional_information),
    [TLSRPT_CANON_REASON]       = offsetof(tlsrpt_detail_t,
                                           failure_reason_code)
};

#define NFIELDS  (sizeof(fields) / sizeof(fields[0]))


static char *
put_count(char *p, uint64_t value)
{
    char  text[24], *digit = text + sizeof(text);

    do {
        *--digit = (char) ('0' + value % 10);
        value /= 10;
    } while (value);

    return tlsrpt_canonical_put(p, TLSRPT_CANON_COUNT, digit,
                                (size_t) (text + sizeof(text) - digit));
}


static inline const tlsrpt_str_t *
field_of(const tlsrpt_detail_t *d, unsigned member)
{
    return (const tlsrpt_str_t *) ((const char *) d + fields[member]);
}


static inline char *
put_kept(char *p, const tlsrpt_detail_t *d, unsigned member)
{
    const tlsrpt_str_t  *s;

    if (member == TLSRPT_CANON_COUNT) {
        return put_count(p, d->failed_session_count);
    }

    s = field_of(d, member);

    return s->len ? tlsrpt_canonical_put(p, member, s->data, s->len) : p;
}


/* The entry of the member; data NULL: there is none. */

static tlsrpt_str_t
find_entry(const tlsrpt_canonical_t *c, tlsrpt_canonical_part_t part,
    unsigned member)
{
    unsigned      found;
    tlsrpt_str_t  value, none = { NULL, 0 };
    const char   *p = c->data + part.at, *end = p + part.len - 1;

    while (p < end) {
        p += tlsrpt_canonical_entry(p, &found, &value);

        if (found == member) {
            return value;
        }
    }

    return none;
}


char *
tlsrpt_detail_object(char *p, const tlsrpt_canonical_t *c,
    const tlsrpt_detail_t *d, tlsrpt_canonical_part_t more)
{
    tlsrpt_str_t  value = { NULL, 0 };

    for (unsigned member = 1; member <= TLSRPT_CANON_MOST; member++) {
        if (more.len) {
            value = find_entry(c, more, member);
        }

        if (value.len) {
            p = tlsrpt_canonical_put(p, member, value.data, value.len);

        } else if (value.data == NULL && member < NFIELDS) {
            p = put_kept(p, d, member);
        }
    }

    return p;
}


size_t
tlsrpt_detail_object_size(const tlsrpt_detail_t *d,
    tlsrpt_canonical_part_t more)
{
    size_t  n = more.len + 24 + (TLSRPT_CANON_MOST + 1) * TLSRPT_CANON_EXTRA;

    for (unsigned member = 1; member < NFIELDS; member++) {
        n += member == TLSRPT_CANON_COUNT ? 0 : field_of(d, member)->len;
    }

    return n;
}
