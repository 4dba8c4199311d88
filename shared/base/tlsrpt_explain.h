/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What each result type means to the person who must mend it.  One table, that
 * the problems, the readable reports, the metrics and the dashboard read.
 */

#ifndef TLSRPT_EXPLAIN_H
#define TLSRPT_EXPLAIN_H

#include "tlsrpt_str.h"

#pragma GCC visibility push(hidden)

typedef enum {
    TLSRPT_SEVERITY_LOW = 0,
    TLSRPT_SEVERITY_MEDIUM,
    TLSRPT_SEVERITY_HIGH
} tlsrpt_severity_t;

/* What becomes of the mail. */
typedef enum {
    TLSRPT_LOSES_BY_MODE = 0,               /* what the policy asks for */
    TLSRPT_LOSES_NOTHING,                   /* the policy is not applied */
    TLSRPT_LOSES_ALWAYS                     /* the sender insists */
} tlsrpt_loses_t;

/* Could someone in between make it? */
typedef enum {
    TLSRPT_ATTACK_UNLIKELY = 0,
    TLSRPT_ATTACK_POSSIBLE,                 /* if one sender fails alone */
    TLSRPT_ATTACK_CLASSIC
} tlsrpt_attack_t;

typedef struct {
    const char         *result_type;
    const char         *title;              /* what happened, a few words */
    tlsrpt_severity_t   severity;
    tlsrpt_loses_t      loses;
    tlsrpt_attack_t     attack;
    int                 names_mx;           /* may come of a mail server that
                                               the policy does not cover */
    const char         *meaning;
    const char         *cause;              /* with DOMAIN for the domain */
    const char         *fix;
} tlsrpt_explanation_t;

/* Never NULL: for words of the senders' own there is a general one. */
const tlsrpt_explanation_t *tlsrpt_explain(tlsrpt_str_t result_type);

/* A text with the domain's own name in it; the length of what is in buf, NUL
   ended, cut if need be. */
#define TLSRPT_EXPLAIN_SIZE  1024
size_t tlsrpt_explain_for(const char *text, tlsrpt_str_t domain, char *buf,
    size_t size);

const char *tlsrpt_severity_name(tlsrpt_severity_t severity);

/* What the senders' reason code says in plain words, or NULL. */
const char *tlsrpt_explain_reason(tlsrpt_str_t failure_reason_code);

#pragma GCC visibility pop

#endif /* TLSRPT_EXPLAIN_H */
