/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a report's text says of one domain: the text without the items of its
 * policies that concern others, each with a comma beside it.
 */

#ifndef TLSRPT_CUT_H
#define TLSRPT_CUT_H

#include "tlsrpt_inflate.h"
#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

typedef struct {
    size_t  begin;                          /* bytes of the text */
    size_t  end;
} tlsrpt_span_t;

typedef struct {
    tlsrpt_span_t           *spans;         /* that are left out, in order */
    size_t                   n;             /* 0: the text is left as it is */
    size_t                   next;
    size_t                   offset;        /* of the text so far */
    tlsrpt_inflate_sink_pt   sink;
    void                    *ctx;
} tlsrpt_cut_t;

/* What is left goes to the sink.  0, or -1: no memory. */
int tlsrpt_cut_init(tlsrpt_cut_t *cut, const tlsrpt_report_t *report,
    tlsrpt_str_t domain, tlsrpt_inflate_sink_pt sink, void *ctx)
    TLSRPT_MUST_USE;
void tlsrpt_cut_free(tlsrpt_cut_t *cut);

/* Takes the text, in any split: itself a sink. */
int tlsrpt_cut_text(void *cut, const unsigned char *text, size_t len);

#pragma GCC visibility pop

#endif /* TLSRPT_CUT_H */
