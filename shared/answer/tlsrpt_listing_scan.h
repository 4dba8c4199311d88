/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The days' lists of reports, read from Redis by pages: the domain and the
 * totals of its days first, then each day that has reports, the newest first,
 * from the end of its list to its beginning.  One page is asked for at a time,
 * so that whoever has read enough asks for no more, and others' events come
 * between two pages.
 */

#ifndef TLSRPT_LISTING_SCAN_H
#define TLSRPT_LISTING_SCAN_H

#include "tlsrpt_day_scan.h"
#include "tlsrpt_listing.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_LISTING_PAGE  32             /* reports, at most */

/* A list that is read from its end on. */
typedef struct {
    size_t  below;                          /* indexes to be read are below;
                                               SIZE_MAX: all that there are */
    size_t  asked;                          /* reports, by the last command */
    int     is_over;
} tlsrpt_list_pages_t;

void tlsrpt_list_pages_init(tlsrpt_list_pages_t *pages, size_t below);

/* The next page, of at most n reports, once the key is there. */
const tlsrpt_command_t *tlsrpt_list_pages_next(tlsrpt_list_pages_t *pages,
    tlsrpt_key_read_t *read, size_t n);

/* Takes the reply; how many reports are in it.  The i-th of them, the newest
   first: 0, or -1: it is none that can be read, or it is struck out, unless
   those are wanted too. */
size_t tlsrpt_list_pages_add(tlsrpt_list_pages_t *pages,
    const tlsrpt_reply_t *reply);
int tlsrpt_list_pages_head(tlsrpt_kept_head_t *head, int32_t day,
    const tlsrpt_reply_t *reply, size_t i, int struck) TLSRPT_MUST_USE;


typedef struct {
    tlsrpt_day_scan_t    days;              /* its days, not its day logs */
    size_t               left;              /* days whose lists are to be
                                               read, that of pages too */
    tlsrpt_list_pages_t  pages;             /* of day left - 1 */
    int                  is_within;         /* of the day's list */
    int                  every_day;         /* also days on which nothing
                                               counts */
    int                  waiting;           /* for a page */
} tlsrpt_listing_scan_t;

/* 0, or -1: no memory. */
int tlsrpt_listing_scan_init(tlsrpt_listing_scan_t *scan,
    const tlsrpt_query_t *query,
    tlsrpt_str_t domain, tlsrpt_str_t prefix) TLSRPT_MUST_USE;
void tlsrpt_listing_scan_free(tlsrpt_listing_scan_t *scan);

/* Of the day, only indexes below are read. */
void tlsrpt_listing_scan_from(tlsrpt_listing_scan_t *scan, int32_t day,
    size_t below);

/* The next command and its number, a page of at most most reports; NULL: there
   is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_listing_scan_next(tlsrpt_listing_scan_t *scan,
    size_t most, size_t *n);

/* How many reports the reply is a page of; *day: of which day; *is_last: was
   that all of the day? */
size_t tlsrpt_listing_scan_add(tlsrpt_listing_scan_t *scan, size_t n,
    const tlsrpt_reply_t *reply, int32_t *day, int *is_last) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_LISTING_SCAN_H */
