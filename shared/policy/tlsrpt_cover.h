/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Does an mx line of a policy, as a sender reports it, cover a mail server?
 */

#ifndef TLSRPT_COVER_H
#define TLSRPT_COVER_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* RFC 8461 4.1.  The pattern may be in any case and end in a dot; ".example" is
   how drafts of RFC 8461 wrote "*.example".  host: normalized. */
int tlsrpt_covers(tlsrpt_str_t pattern, tlsrpt_str_t host);

/* Is the host more than one label below the name that follows "*."? */
int tlsrpt_is_too_deep(tlsrpt_str_t pattern, tlsrpt_str_t host);

#pragma GCC visibility pop

#endif /* TLSRPT_COVER_H */
