/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a day log has the packed report that was made of a report.  Packed anew
 * it has the same bytes; or, where it was a version that packed otherwise, the
 * same sender, way and sessions.
 */

#ifndef TLSRPT_SOUGHT_H
#define TLSRPT_SOUGHT_H

#include "tlsrpt_kept.h"
#include "tlsrpt_packed.h"

#pragma GCC visibility push(hidden)

typedef struct {
    tlsrpt_str_t      domain;               /* borrowed, as the report is */
    tlsrpt_value_t    organization;
    unsigned          via;
    uint64_t          successful;           /* sessions, as counted */
    uint64_t          failed;
    uint64_t          failed_in_details;
    int               is_struck;            /* it is one that is struck out */
    tlsrpt_buf_t      full;
    tlsrpt_buf_t      brief;
    tlsrpt_packed_t  *decoder;
} tlsrpt_sought_t;

/* The report is of the entry.  0, or -1: no memory; free it either way. */
int tlsrpt_sought_init(tlsrpt_sought_t *sought, const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_kept_head_t *head) TLSRPT_MUST_USE;
void tlsrpt_sought_free(tlsrpt_sought_t *sought);

/* Bytes of the log. */
typedef struct {
    size_t  at;
    size_t  len;
    size_t  flags;                          /* the byte to be changed */
} tlsrpt_place_t;

/* 1: there; 0: it is not in this log.  loosely: by sender, way and sessions. */
int tlsrpt_sought_find(const tlsrpt_sought_t *sought, tlsrpt_str_t day_log,
    int loosely, tlsrpt_place_t *place) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_SOUGHT_H */
