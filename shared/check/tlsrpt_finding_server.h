/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with one mail server, and with the certificates that it sends.
 */

#ifndef TLSRPT_FINDING_SERVER_H
#define TLSRPT_FINDING_SERVER_H

#include "tlsrpt_finding.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_SERVER_FINDINGS  6           /* at most */

/* How many; each without mx, mode, lost, and with a severity only where a
   certificate is to end. */
size_t tlsrpt_finding_of_server(const tlsrpt_seen_server_t *server, int64_t now,
    tlsrpt_finding_t found[TLSRPT_SERVER_FINDINGS]);

/* Did it come so far that this type would have been seen? */
int tlsrpt_finding_can_tell(const tlsrpt_seen_server_t *server,
    tlsrpt_str_t type);

/* Does a certificate of the chain end soon?  That which ends first: severity,
   subject, not_after. */
int tlsrpt_finding_expiring(const tlsrpt_seen_chain_t *tls, int64_t now,
    tlsrpt_finding_t *finding);

/* Is the host among the names (RFC 9525 6.3, RFC 8461 4.2)? */
int tlsrpt_finding_has_name(const tlsrpt_seen_chain_t *tls, tlsrpt_str_t host);

#pragma GCC visibility pop

#endif /* TLSRPT_FINDING_SERVER_H */
