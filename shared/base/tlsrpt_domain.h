/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Domain names in one form: lower case, A-labels, no final dot, no blanks
 * around.
 */

#ifndef TLSRPT_DOMAIN_H
#define TLSRPT_DOMAIN_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DOMAIN_LEN  253

/* Writes to buf (TLSRPT_DOMAIN_LEN + 1 bytes, NUL ended) and returns the
   length; 0: not a domain name. */
size_t tlsrpt_domain_normalize(const char *name, size_t len, char *buf);

/* Is name the domain or below it?  Both normalized. */
int tlsrpt_domain_within(tlsrpt_str_t name, tlsrpt_str_t domain);

#pragma GCC visibility pop

#endif /* TLSRPT_DOMAIN_H */
