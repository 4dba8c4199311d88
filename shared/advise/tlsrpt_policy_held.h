/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Versions of a policy that senders may still hold, beside the MX of now.
 */

#ifndef TLSRPT_POLICY_HELD_H
#define TLSRPT_POLICY_HELD_H

#include "tlsrpt_seen.h"

#pragma GCC visibility push(hidden)

/* Until when a sender may hold the version: one that fetched it at the last
   moment (RFC 8461 3.2). */
int64_t tlsrpt_policy_held_until(const tlsrpt_versions_t *versions,
    const tlsrpt_version_t *version, int64_t now);

/* Appends what is to be said where an older version that may be held has no
   line for a server of the MX that the last check saw. */
void tlsrpt_policy_held_advise(const tlsrpt_versions_t *versions,
    const tlsrpt_seen_t *seen, int64_t now, json_t *advice);

#pragma GCC visibility pop

#endif /* TLSRPT_POLICY_HELD_H */
