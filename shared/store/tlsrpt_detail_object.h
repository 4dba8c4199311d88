/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A failure detail as its JSON has it (tlsrpt_canonical.h), made again from
 * what was kept of it and what is there for the identity because it differs.
 */

#ifndef TLSRPT_DETAIL_OBJECT_H
#define TLSRPT_DETAIL_OBJECT_H

#include "tlsrpt_canonical.h"
#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

/* Writes its entries at p, where there is room, without the 0 that ends them;
   their end.  more: entries that the detail does not have, or, empty ones, has
   and should not. */
char *tlsrpt_detail_object(char *p, const tlsrpt_canonical_t *c,
    const tlsrpt_detail_t *d, tlsrpt_canonical_part_t more);

/* The most bytes of that, and of the 0. */
size_t tlsrpt_detail_object_size(const tlsrpt_detail_t *d,
    tlsrpt_canonical_part_t more);

#pragma GCC visibility pop

#endif /* TLSRPT_DETAIL_OBJECT_H */
