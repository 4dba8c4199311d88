/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses that strangers may have us talk to.
 */

#ifndef TLSRPT_ADDRESS_H
#define TLSRPT_ADDRESS_H

#pragma GCC visibility push(hidden)

/* Whether it is one of the public Internet: none of this host, of a local
   network, shared (RFC 6598), of documents, multicast, reserved; nor one that
   leads to such an IPv4 address.  What is no address is not. */
int tlsrpt_address_is_public(const char *text);

#pragma GCC visibility pop

#endif /* TLSRPT_ADDRESS_H */
