/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The words that RFC 8460 knows, and their short codes in Redis.  Codes are
 * stored: never change one, add new ones at the end.
 */

#ifndef TLSRPT_RESULT_H
#define TLSRPT_RESULT_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

/* RFC 8460 4.3, and what the core adds: unspecified, failures that no detail
   accounts for. */
#define TLSRPT_RESULT_MAP(XX)                                                 \
    XX("starttls-not-supported")                                              \
    XX("certificate-host-mismatch")                                           \
    XX("certificate-expired")                                                 \
    XX("certificate-not-trusted")                                             \
    XX("validation-failure")                                                  \
    XX("tlsa-invalid")                                                        \
    XX("dnssec-invalid")                                                      \
    XX("dane-required")                                                       \
    XX("sts-policy-fetch-error")                                              \
    XX("sts-policy-invalid")                                                  \
    XX("sts-webpki-invalid")                                                  \
    XX("unspecified")

/* RFC 8460 4.4, policy-type. */
#define TLSRPT_POLICY_TYPE_MAP(XX)                                            \
    XX("no-policy-found")                                                     \
    XX("sts")                                                                 \
    XX("tlsa")

enum {
    TLSRPT_TYPE_NO_POLICY = 1,
    TLSRPT_TYPE_STS,
    TLSRPT_TYPE_TLSA
};

/* Stands for what a bounded day log, or answer, has no room for. */
#define TLSRPT_OVERFLOW  "(overflow)"

/* The code, from 1; 0: none of them. */
unsigned tlsrpt_result_code(tlsrpt_str_t result_type);
unsigned tlsrpt_policy_type_code(tlsrpt_str_t policy_type);
/* data NULL: no such code. */
tlsrpt_str_t tlsrpt_result_type(unsigned code);
tlsrpt_str_t tlsrpt_policy_type(unsigned code);

unsigned tlsrpt_result_ncodes(void);
unsigned tlsrpt_policy_type_ncodes(void);

#pragma GCC visibility pop

#endif /* TLSRPT_RESULT_H */
