/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What DNS shows of a domain, and whose enrolment that proves.
 */

#ifndef TLSRPT_REGISTRY_PROOF_H
#define TLSRPT_REGISTRY_PROOF_H

#include "tlsrpt_enrolment.h"

#pragma GCC visibility push(hidden)

/* TXT records of the domain, as its own name servers gave them, strings of a
   record put together.  What stands behind an alias of "_smtp._tls" proves
   nothing, and is left out: it may be in the provider's own zone. */
typedef struct {
    int                  verify_known;      /* an answer came, "none" too */
    const tlsrpt_str_t  *verify;            /* of _tlsrpt-verify.DOMAIN */
    size_t               nverify;
    int                  reporting_known;
    const tlsrpt_str_t  *reporting;         /* of _smtp._tls.DOMAIN */
    size_t               nreporting;
} tlsrpt_shown_t;

#define TLSRPT_PROOF_VERIFY     1           /* its value shows */
#define TLSRPT_PROOF_REPORTING  2           /* its report URI or address */

/* Which proofs of it show: a set of the above. */
unsigned tlsrpt_proof_of(const tlsrpt_enrolment_t *e,
    const tlsrpt_shown_t *shown);
/* Is it certain that none does? */
int tlsrpt_proof_is_gone(const tlsrpt_enrolment_t *e,
    const tlsrpt_shown_t *shown);

#pragma GCC visibility pop

#endif /* TLSRPT_REGISTRY_PROOF_H */
