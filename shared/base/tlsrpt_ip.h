/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * IP addresses as text: inet_ntop() takes longer over one than the reader over
 * the failure detail around it.
 */

#ifndef TLSRPT_IP_H
#define TLSRPT_IP_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_IP_TEXT_LEN  45              /* INET6_ADDRSTRLEN, NUL apart */

/* The canonical text (RFC 5952 4 and 5), not NUL ended; its length. */
size_t tlsrpt_ip6_text(const unsigned char ip[16],
    char buf[TLSRPT_IP_TEXT_LEN]);

#pragma GCC visibility pop

#endif /* TLSRPT_IP_H */
