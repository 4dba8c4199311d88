/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What tells one report from another: the policy domain, and what the document
 * says as its JSON has it: organization-name, contact-info, report-id, date
 * range, and those policies that name this domain or none.  What is added, left
 * out, bounded or mended when a report is read does not belong to it, nor how
 * the report came.  64 bits of SHA-256: whoever wants to suppress a report
 * cannot find another with its digest.
 */

#ifndef TLSRPT_IDENTITY_H
#define TLSRPT_IDENTITY_H

#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_DIGEST_LEN  8

/* 0, or -1: no memory. */
int tlsrpt_identity(const tlsrpt_report_t *report, unsigned domain,
    unsigned char digest[TLSRPT_DIGEST_LEN]) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_IDENTITY_H */
