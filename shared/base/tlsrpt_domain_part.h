/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Part of a domain name, as somebody types it to find the name: in any case,
 * of U-labels or A-labels, beginning and ending anywhere.
 */

#ifndef TLSRPT_DOMAIN_PART_H
#define TLSRPT_DOMAIN_PART_H

#include "tlsrpt_domain.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DOMAIN_PART_LEN  TLSRPT_DOMAIN_LEN

typedef struct {
    char    text[4 * TLSRPT_DOMAIN_PART_LEN + 1];   /* as U-labels have it */
    size_t  len;
    int     is_ascii;
} tlsrpt_domain_part_t;

/* 0; -1: it can be part of no name.  Nothing (len 0) is part of each. */
int tlsrpt_domain_part_set(tlsrpt_domain_part_t *part, tlsrpt_str_t text)
    TLSRPT_MUST_USE;

/* Is it part of the name (normalized), or of how that is shown? */
int tlsrpt_domain_part_is_in(const tlsrpt_domain_part_t *part,
    tlsrpt_str_t domain);

#pragma GCC visibility pop

#endif /* TLSRPT_DOMAIN_PART_H */
