/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <string.h>

#include "tlsrpt_dns_lines.h"


static int
begins_with(const char *line, size_t len, const char *version)
{
    const size_t  n = strlen(version);

    while (len && (*line == '"' || tlsrpt_is_wsp(*line))) {
        line++;
        len--;
    }

    return len >= n && memcmp(line, version, n) == 0;
}


static void
add_line(tlsrpt_dns_lines_t *l, const char *line, size_t len)
{
    const int  is_tlsrpt = begins_with(line, len, "v=TLSRPTv1");
    const int  is_sts = begins_with(line, len, "v=STSv1");

    if (len == 0) {
        return;
    }

    l->nlines++;

    /* of the version of the first one */
    if ((is_tlsrpt || is_sts)
        && (l->nrecords == 0
            || begins_with(l->line, l->len, is_sts ? "v=STSv1"
                                                   : "v=TLSRPTv1")))
    {
        if (l->nrecords++ == 0) {
            l->line = line;
            l->len = len;
        }

    } else if (l->line == NULL) {
        l->line = line;
        l->len = len;
    }
}


tlsrpt_dns_lines_t
tlsrpt_dns_lines(const char *text, size_t len)
{
    size_t              start = 0;
    tlsrpt_dns_lines_t  l = { NULL, 0, 0, 0 };

    for (size_t i = 0; i <= len; i++) {
        if (i == len || text[i] == '\n') {
            add_line(&l, text + start,
                     i - start - (i > start && text[i - 1] == '\r'));
            start = i + 1;
        }
    }

    return l;
}
