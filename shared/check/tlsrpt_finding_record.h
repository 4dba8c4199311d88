/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is wrong with the two TXT records, and what judging these shares with
 * judging all else (tlsrpt_finding.c).
 */

#ifndef TLSRPT_FINDING_RECORD_H
#define TLSRPT_FINDING_RECORD_H

#include "tlsrpt_finding.h"

#pragma GCC visibility push(hidden)

/* Whether DNSSEC verifies what DNS has of the domain. */
void tlsrpt_findings_of_dnssec(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *f);

/* Where DNS told of them not long ago, and had time to learn of what is
   served. */
void tlsrpt_findings_of_records(const tlsrpt_findings_ask_t *ask,
    tlsrpt_findings_t *f);

/* The first of the name's records of that kind; n: how many there are. */
tlsrpt_str_t tlsrpt_findings_record(const tlsrpt_look_t *look,
    const char *version, size_t *n);

/* The id that a record of a policy gives (RFC 8461 3.1); len 0: none. */
tlsrpt_str_t tlsrpt_findings_id(tlsrpt_str_t record);

/* Does what was seen then say anything of now? */
int tlsrpt_findings_is_fresh(const tlsrpt_findings_ask_t *ask, int64_t at);
/* Did the last look at the name get an answer, not long ago? */
int tlsrpt_findings_is_told(const tlsrpt_findings_ask_t *ask,
    const tlsrpt_look_t *look);
/* NULL: nothing is. */
const tlsrpt_version_t *tlsrpt_findings_served(
    const tlsrpt_findings_ask_t *ask);
/* Has what is served been the same for long enough? */
int tlsrpt_findings_is_past_grace(const tlsrpt_findings_ask_t *ask);
/* NULL: there is no room, for what is the least bad as it comes last. */
tlsrpt_finding_t *tlsrpt_findings_add(tlsrpt_findings_t *f, const char *type,
    const char *section, tlsrpt_about_t about);

#pragma GCC visibility pop

#endif /* TLSRPT_FINDING_RECORD_H */
