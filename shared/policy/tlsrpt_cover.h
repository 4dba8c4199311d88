/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Does a policy's mx line, as a sender tells it, cover a mail server?
 */

#ifndef TLSRPT_COVER_H
#define TLSRPT_COVER_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* RFC 8461 4.1.  The pattern is in any case, may end in a dot, and ".example"
   is how drafts of RFC 8461 wrote "*.example".  host: normalized. */
int tlsrpt_covers(tlsrpt_str_t pattern, tlsrpt_str_t host);

/* Is the host below what "*." stands before, but by more than one label? */
int tlsrpt_is_too_deep(tlsrpt_str_t pattern, tlsrpt_str_t host);

#pragma GCC visibility pop

#endif /* TLSRPT_COVER_H */
