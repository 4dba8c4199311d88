/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All that a host needs to publish: MTA-STS policies, read, checked and
 * written, and the DNS records that belong to them and to TLS reporting.
 */

#ifndef TLSRPT_PUBLISH_H
#define TLSRPT_PUBLISH_H

#include "mta_sts_policy.h"
#include "tlsrpt_dns.h"
#include "tlsrpt_domain.h"

#endif /* TLSRPT_PUBLISH_H */
