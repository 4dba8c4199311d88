/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with a value, in words.
 */

#ifndef MTA_STS_REASON_H
#define MTA_STS_REASON_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

#define MTA_STS_MESSAGE_LEN  768

/* Copies a value for a message: cut where it is long, "?" for what is not
   printable UTF-8.  Returns buf. */
#define MTA_STS_QUOTE_LEN  84
const char *mta_sts_quote(const char *value, size_t len,
    char buf[MTA_STS_QUOTE_LEN]);

/* Formats a message, which lives until the thread's next one. */
const char *mta_sts_reason(const char *fmt, ...) TLSRPT_PRINTF(1, 2);

#pragma GCC visibility pop

#endif /* MTA_STS_REASON_H */
