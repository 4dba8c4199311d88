/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * report -> what a person reads: JSON, member by member, or a text that can be
 * forwarded to a colleague.
 */

#ifndef TLSRPT_DOCUMENT_H
#define TLSRPT_DOCUMENT_H

#include "tlsrpt_conflicts.h"

#pragma GCC visibility push(hidden)

typedef struct {
    const tlsrpt_report_t   *report;
    tlsrpt_str_t             domain;        /* only its policies; data NULL:
                                               all */
    const tlsrpt_listing_t  *listing;       /* of the list; NULL: not stored */
    size_t                   size;          /* of the text, or of the body that
                                               it came in, in bytes */
    const tlsrpt_namesakes_t *others;       /* that it conflicts with; NULL: not
                                               read */
} tlsrpt_document_t;

/* The JSON, piece by piece: appends the next.  1: there is more; 0: that was
   all; -1: no memory. */
typedef struct {
    int     is_begun;                       /* all zeroes: not yet */
    int     is_within;                      /* a policy */
    size_t  policy;                         /* the next, or the one within */
    size_t  nprinted;
    size_t  detail;
} tlsrpt_document_print_t;

int tlsrpt_document_print(tlsrpt_document_print_t *print,
    const tlsrpt_document_t *document, tlsrpt_buf_t *out) TLSRPT_MUST_USE;

/* All of it.  NULL: no memory.  The text is UTF-8 with LF; free() either. */
char *tlsrpt_document_json(const tlsrpt_document_t *document, size_t *len)
    TLSRPT_MUST_USE;
char *tlsrpt_document_text(const tlsrpt_document_t *document, size_t *len)
    TLSRPT_MUST_USE;

/* Is the policy one of the domain's?  Is the warning not about another's? */
int tlsrpt_document_shows(const tlsrpt_document_t *document,
    const tlsrpt_applied_policy_t *policy);
int tlsrpt_document_warns(const tlsrpt_document_t *document,
    const tlsrpt_warning_t *warning);

#pragma GCC visibility pop

#endif /* TLSRPT_DOCUMENT_H */
