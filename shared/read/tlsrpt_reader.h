/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * bytes -> report.  A reader may be used again and again (one a worker is
 * enough); what a big report took is given back at the next _reset.
 *
 * reset: before each report.
 * feed: any number of times, any split.  TLSRPT_OK, or the error, which stays.
 * finish: the end of the body; the report is borrowed, valid until _reset.
 */

#ifndef TLSRPT_READER_H
#define TLSRPT_READER_H

#include "tlsrpt_error.h"
#include "tlsrpt_report.h"

#pragma GCC visibility push(hidden)

typedef struct tlsrpt_reader tlsrpt_reader_t;

/* A policy that names no domain, or a report without policies, belongs to the
   first of these that there is: domain; the one that all other policies name;
   hint; what the report-id ends in.  domain and hint are as typed or sent, data
   NULL: there is none. */
typedef struct {
    size_t        max_size;                 /* of the text, decompressed */
    tlsrpt_str_t  domain;                   /* of the token or the address that
                                               the report came to */
    tlsrpt_str_t  hint;                     /* TLS-Report-Domain, or what the
                                               Subject says */
    int           leave_unnamed;            /* none is: such a policy is left
                                               out */
    int           keep_text;                /* one up to TLSRPT_TEXT_WHOLE
                                               bytes is in the report's text */
    unsigned      deviations;               /* TLSRPT_INFLATE_...: of the bytes
                                               that the text once came in */
} tlsrpt_reader_conf_t;

tlsrpt_reader_t *tlsrpt_reader_create(void) TLSRPT_MUST_USE;
void tlsrpt_reader_destroy(tlsrpt_reader_t *reader);
void tlsrpt_reader_reset(tlsrpt_reader_t *reader,
    const tlsrpt_reader_conf_t *conf);
int tlsrpt_reader_feed(tlsrpt_reader_t *reader, const void *bytes, size_t len)
    TLSRPT_MUST_USE;
int tlsrpt_reader_finish(tlsrpt_reader_t *reader,
    const tlsrpt_report_t **report) TLSRPT_MUST_USE;
const tlsrpt_error_t *tlsrpt_reader_error(const tlsrpt_reader_t *reader);
/* Bytes of text read since _reset, decompressed. */
size_t tlsrpt_reader_text_size(const tlsrpt_reader_t *reader);

#pragma GCC visibility pop

#endif /* TLSRPT_READER_H */
