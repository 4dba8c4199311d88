/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_cut.h"


static int
is_whole(const tlsrpt_report_t *report, tlsrpt_str_t domain)
{
    for (size_t i = 0; i < report->npolicies; i++) {
        if (!tlsrpt_report_concerns(&report->policies[i], domain)) {
            return 0;
        }
    }

    return 1;
}


/* Behind an item that stays the comma before goes too, else the one behind. */

static void
leave_out(tlsrpt_cut_t *cut, const tlsrpt_report_t *report, size_t i,
    int some_stay)
{
    const tlsrpt_applied_policy_t  *p = &report->policies[i];
    tlsrpt_span_t                  *span = &cut->spans[cut->n++];

    span->begin = p->begin;
    span->end = p->end;

    if (some_stay) {
        span->begin = p[-1].end;

    } else if (i + 1 < report->npolicies) {
        span->end = p[1].begin;
    }
}


int
tlsrpt_cut_init(tlsrpt_cut_t *cut, const tlsrpt_report_t *report,
    tlsrpt_str_t domain, tlsrpt_inflate_sink_pt sink, void *ctx)
{
    int  some_stay = 0;

    memset(cut, 0, sizeof(*cut));
    cut->sink = sink;
    cut->ctx = ctx;

    if (is_whole(report, domain)) {
        return 0;
    }

    cut->spans = malloc(report->npolicies * sizeof(*cut->spans));

    if (cut->spans == NULL) {
        return -1;
    }

    for (size_t i = 0; i < report->npolicies; i++) {
        if (tlsrpt_report_concerns(&report->policies[i], domain)) {
            some_stay = 1;

        } else {
            leave_out(cut, report, i, some_stay);
        }
    }

    return 0;
}


void
tlsrpt_cut_free(tlsrpt_cut_t *cut)
{
    free(cut->spans);
    cut->spans = NULL;
}


/* How much of the text goes on alike, and whether it stays. */

static size_t
stretch(tlsrpt_cut_t *cut, int *stays)
{
    const tlsrpt_span_t  *span;

    while (cut->next < cut->n && cut->spans[cut->next].end <= cut->offset) {
        cut->next++;
    }

    span = &cut->spans[cut->next];
    *stays = cut->next == cut->n || cut->offset < span->begin;

    return cut->next == cut->n ? SIZE_MAX
           : (*stays ? span->begin : span->end) - cut->offset;
}


int
tlsrpt_cut_text(void *ctx, const unsigned char *text, size_t len)
{
    int            rc, stays;
    size_t         n;
    tlsrpt_cut_t  *cut = ctx;

    while (len) {
        n = stretch(cut, &stays);
        n = n < len ? n : len;

        if (stays) {
            rc = cut->sink(cut->ctx, text, n);

            if (rc != TLSRPT_OK) {
                return rc;
            }
        }

        cut->offset += n;
        text += n;
        len -= n;
    }

    return TLSRPT_OK;
}
