/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reports of one day that have the organization-name and the report-id of
 * another, and other content: two hosts of one company, or a forgery.  Both
 * count; each names the other.
 */

#ifndef TLSRPT_CONFLICTS_H
#define TLSRPT_CONFLICTS_H

#include "tlsrpt_command.h"
#include "tlsrpt_day_scan.h"
#include "tlsrpt_listing.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_CONFLICTS_NAMED   16         /* others that a report names */
#define TLSRPT_CONFLICTS_LISTED  100        /* reports in an answer */
#define TLSRPT_CONFLICTS_LIST    1000       /* reports of a day looked at */

/* The list of a day, decoded. */
typedef struct {
    tlsrpt_listing_t        *listings;
    size_t                   n;
    const tlsrpt_listing_t **sorted;        /* by what they share */
} tlsrpt_day_list_t;

/* From a reply HGETALL, newest first; 0, or -1: no memory.  Give it back either
   way. */
int tlsrpt_day_list_read(tlsrpt_day_list_t *list, int32_t day,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;
void tlsrpt_day_list_free(tlsrpt_day_list_t *list);

/* The others that the listing, which is one of the list or a copy of it,
   conflicts with; how many. */
size_t tlsrpt_conflicts_of(const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing,
    const tlsrpt_listing_t *others[TLSRPT_CONFLICTS_NAMED]);

/* Sets "conflicts-with": [{"id","via","signed-by"}] where there are any; 0, or
   -1: no memory. */
int tlsrpt_conflicts_set(json_t *json, const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing) TLSRPT_MUST_USE;

/* Appends {"id","organization-name","report-id","received","via","signed-by",
   "conflicts-with"} to the array where the listing conflicts, as long as there
   are fewer than max; 0, or -1: no memory. */
int tlsrpt_conflicts_append(json_t *array, size_t max,
    const tlsrpt_day_list_t *list, const tlsrpt_listing_t *listing)
    TLSRPT_MUST_USE;


/*
 * The conflicts of a range, for a lookup that reads its day logs: only the
 * lists of days are read on which somebody reported more than once.
 */

typedef struct {
    unsigned char  *days;                   /* 1: its list is to be read */
    size_t          ndays;
    size_t          next;
    json_t         *reports;
} tlsrpt_conflict_days_t;

/* 0, or -1: no memory. */
int tlsrpt_conflict_days_init(tlsrpt_conflict_days_t *days, size_t ndays)
    TLSRPT_MUST_USE;
void tlsrpt_conflict_days_free(tlsrpt_conflict_days_t *days);

/* Somebody reported more than once on the range's n-th day. */
void tlsrpt_conflict_days_note(tlsrpt_conflict_days_t *days, size_t n);

/* Once all day logs are read: the next command, made by the scan, and the day
   that it is for; NULL: there is none. */
const tlsrpt_command_t *tlsrpt_conflict_days_next(tlsrpt_conflict_days_t *days,
    tlsrpt_day_scan_t *scan, size_t *day);
/* 0, or -1: no memory. */
int tlsrpt_conflict_days_add(tlsrpt_conflict_days_t *days, int32_t day,
    const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_CONFLICTS_H */
