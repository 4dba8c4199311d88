/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * IP addresses as text.  inet_ntop() would take longer for one address than the
 * reader takes for the failure detail around it.
 */

#ifndef TLSRPT_IP_H
#define TLSRPT_IP_H

#include <stddef.h>

#pragma GCC visibility push(hidden)

#define TLSRPT_IP_TEXT_LEN  45              /* INET6_ADDRSTRLEN without NUL */

/* Reads an address, also as a literal (RFC 5321 4.1.3), with a port or with a
   zone; an IPv4 address mapped into IPv6 (RFC 4291 2.5.5.2) is read as IPv4.
   Writes the canonical text, not NUL ended, and returns its length; 0: not an
   address.  *bare: it was an address and nothing else. */
size_t tlsrpt_ip_read(const char *s, size_t len, char buf[TLSRPT_IP_TEXT_LEN],
    int *bare);

/* The canonical text (RFC 5952 4 and 5), not NUL ended; its length. */
size_t tlsrpt_ip6_text(const unsigned char ip[16],
    char buf[TLSRPT_IP_TEXT_LEN]);

#pragma GCC visibility pop

#endif /* TLSRPT_IP_H */
