/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What each result type means to the person who must mend it: one table of
 * facts, that the problems and the readable reports read.  A new type is a row
 * here and a section of explain.txt, which has the words.
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
    TLSRPT_LOSES_BY_DNSSEC,                 /* no lookup, no delivery */
    TLSRPT_LOSES_ALWAYS                     /* the sender insists */
} tlsrpt_loses_t;

/* Could someone in between make it? */
typedef enum {
    TLSRPT_ATTACK_UNLIKELY = 0,
    TLSRPT_ATTACK_POSSIBLE,                 /* if few fail where others pass */
    TLSRPT_ATTACK_CLASSIC                   /* the offer of TLS is taken out */
} tlsrpt_attack_t;

/* Who has passed the check that failed. */
typedef enum {
    TLSRPT_CHECK_POLICY = 0,                /* who succeeded under the type of
                                               policy that it failed under */
    TLSRPT_CHECK_DANE,                      /* who succeeded under tlsa */
    TLSRPT_CHECK_TLS,                       /* who succeeded at all */
    TLSRPT_CHECK_NONE                       /* that cannot be known */
} tlsrpt_check_t;

typedef struct {
    const char         *result_type;        /* NULL: the general one */
    const char         *section;            /* of explain.txt */
    tlsrpt_severity_t   worst;
    tlsrpt_loses_t      loses;
    tlsrpt_attack_t     attack;
    tlsrpt_check_t      check;
    unsigned            by_reason:1;        /* a reason tells more than it */
    unsigned            of_policy:1;        /* no mail server is at fault */
    unsigned            names_mx:1;         /* may come of a mail server that
                                               the policy does not cover */
} tlsrpt_explanation_t;

/* Never NULL: for words of the senders' own there is a general one, and one for
   the empty word, where none was given. */
const tlsrpt_explanation_t *tlsrpt_explain(tlsrpt_str_t result_type);

const char *tlsrpt_severity_name(tlsrpt_severity_t severity);

/* What senders write as failure-reason-code (free text, RFC 8460 4.4). */
typedef struct {
    const char  *code;                      /* the words of it */
    const char  *section;                   /* of explain.txt */
    const char  *as;                        /* the section for what that one
                                               does not tell; or NULL */
} tlsrpt_reason_t;

/* NULL: none that is known. */
const tlsrpt_reason_t *tlsrpt_explain_reason(tlsrpt_str_t failure_reason_code);


/* The section that has texts of the name: that of the reason where it tells
   more than the type (reason NULL: there is none), else the one that stands in
   for it, else the type's. */
const char *tlsrpt_explain_section(const tlsrpt_explanation_t *explanation,
    const tlsrpt_reason_t *reason, const char *name);


/* A text of explain.txt; a table that ends with NULL. */
typedef struct {
    const char  *section;
    const char  *name;
    const char  *text;
} tlsrpt_wording_t;

extern const tlsrpt_wording_t  tlsrpt_texts[];

/* The first text of the section; the others are behind it.  NULL: no such
   section. */
const tlsrpt_wording_t *tlsrpt_texts_of(const char *section);
/* Is it one of the section? */
int tlsrpt_is_text_of(const tlsrpt_wording_t *text, const char *section);
/* NULL: there is none. */
const char *tlsrpt_text(const char *section, const char *name);

#pragma GCC visibility pop

#endif /* TLSRPT_EXPLAIN_H */
