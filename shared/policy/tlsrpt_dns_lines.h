/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * TXT records of one name, one a line.  Those that do not begin with the
 * version are discarded; of the others there must be exactly one (RFC 8460 3,
 * RFC 8461 3.1).
 */

#ifndef TLSRPT_DNS_LINES_H
#define TLSRPT_DNS_LINES_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

typedef struct {
    const char  *line;                      /* the record, else the first
                                               line; NULL: there is none */
    size_t       len;
    size_t       nlines;                    /* that are not empty */
    size_t       nrecords;                  /* of the first one's version */
} tlsrpt_dns_lines_t;

/* The lines are borrowed. */
tlsrpt_dns_lines_t tlsrpt_dns_lines(const char *text, size_t len);

#pragma GCC visibility pop

#endif /* TLSRPT_DNS_LINES_H */
