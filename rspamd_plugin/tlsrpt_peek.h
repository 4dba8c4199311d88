/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a mail is looked at for before a report of it is read.
 */

#ifndef TLSRPT_PEEK_H
#define TLSRPT_PEEK_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

/* Does the text, decompressed where it is gzip, begin as an object does? */
int tlsrpt_peek_begins_report(const void *bytes, size_t len);

/* Bits of the RSA key that is the p= of a DKIM record; 0: it is none. */
int tlsrpt_peek_key_bits(const char *text, size_t len);

#pragma GCC visibility pop

#endif /* TLSRPT_PEEK_H */
