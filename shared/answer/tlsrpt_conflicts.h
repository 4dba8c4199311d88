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

#include "tlsrpt_listing_scan.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_CONFLICTS_NAMED   16         /* others that a report names */
#define TLSRPT_CONFLICTS_LISTED  100        /* reports in an answer */
#define TLSRPT_CONFLICTS_LIST    1000       /* reports of a day looked at */

/* Those of a day that may be in conflict.  All zeroes is an empty one. */
typedef struct {
    tlsrpt_listing_t        *listings;
    size_t                   n;
    size_t                   size;
    const tlsrpt_listing_t **sorted;        /* by what they share */
} tlsrpt_day_list_t;

/* Takes a copy where it may be in conflict; then, when the day is over, _sort()
   once.  0, or -1: no memory. */
int tlsrpt_day_list_add(tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing) TLSRPT_MUST_USE;
int tlsrpt_day_list_sort(tlsrpt_day_list_t *list) TLSRPT_MUST_USE;
void tlsrpt_day_list_free(tlsrpt_day_list_t *list);

/* The others that the listing, which is one of the list or a copy of it,
   conflicts with; how many. */
size_t tlsrpt_conflicts_of(const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing,
    const tlsrpt_listing_t *others[TLSRPT_CONFLICTS_NAMED]);

/* Sets "conflicts-with": [{"id","via","signed-by"}] where there are any; 0, or
   -1: no memory. */
int tlsrpt_conflicts_set(json_t *json, const tlsrpt_listing_t *const *others,
    size_t n) TLSRPT_MUST_USE;

/* Appends {"id","organization-name","report-id","received","via","signed-by",
   "conflicts-with"} to the array where the listing conflicts, as long as there
   are fewer than max; 0, or -1: no memory. */
int tlsrpt_conflicts_append(json_t *array, size_t max,
    const tlsrpt_day_list_t *list, const tlsrpt_listing_t *listing)
    TLSRPT_MUST_USE;


/*
 * The others that one report conflicts with, among the last
 * TLSRPT_CONFLICTS_LIST of its day, looked for by its name.
 */

typedef struct {
    int32_t                  day;
    const tlsrpt_listing_t  *of;            /* borrowed */
    char                     name[TLSRPT_KEPT_NAME_LEN];
    size_t                   name_len;
    int                      is_asked;      /* where its name stands */
    size_t                   indexes[TLSRPT_CONFLICTS_NAMED];
    size_t                   nindexes;
    size_t                   next;
    tlsrpt_listing_t         kept[TLSRPT_CONFLICTS_NAMED];
    const tlsrpt_listing_t  *named[TLSRPT_CONFLICTS_NAMED];
    size_t                   n;             /* of named */
} tlsrpt_namesakes_t;

/* It may not move. */
void tlsrpt_namesakes_init(tlsrpt_namesakes_t *others,
    const tlsrpt_listing_t *listing, int32_t day);
void tlsrpt_namesakes_free(tlsrpt_namesakes_t *others);

/* The next command, one at a time; NULL: that was all, which is so at once
   where others cannot have its name. */
const tlsrpt_command_t *tlsrpt_namesakes_next(tlsrpt_namesakes_t *others,
    tlsrpt_key_read_t *read, tlsrpt_str_t prefix, tlsrpt_str_t domain);
int tlsrpt_namesakes_is_over(const tlsrpt_namesakes_t *others);
/* 0, or -1: no memory. */
int tlsrpt_namesakes_add(tlsrpt_namesakes_t *others,
    tlsrpt_listings_t *listings, const tlsrpt_reply_t *reply) TLSRPT_MUST_USE;


/*
 * The conflicts of a range, for a lookup that reads its day logs: only the
 * lists of days are read on which somebody reported more than once, and of days
 * whose reports are wanted for themselves.
 */

typedef struct {
    /* set by the caller after _init(), or NULL.  each: every report of a day
       that is wanted, the newest first; 0, or -1: no memory.  over: those of a
       day that may be in conflict. */
    int                (*each)(void *ctx, const tlsrpt_listing_t *listing,
                               size_t day);
    void               (*over)(void *ctx, const tlsrpt_day_list_t *list,
                               size_t day);
    void                *ctx;

    unsigned char       *days;              /* why its list is to be read */
    size_t               next;              /* days that are left, or the day
                                               that is being read */
    tlsrpt_list_pages_t  pages;
    int                  is_within;
    int                  waiting;
    tlsrpt_listings_t   *listings;
    tlsrpt_day_list_t    list;
    json_t              *reports;
} tlsrpt_conflict_days_t;

/* 0, or -1: no memory. */
int tlsrpt_conflict_days_init(tlsrpt_conflict_days_t *days, size_t ndays,
    tlsrpt_str_t domain) TLSRPT_MUST_USE;
void tlsrpt_conflict_days_free(tlsrpt_conflict_days_t *days);

/* Somebody reported more than once on the range's n-th day. */
void tlsrpt_conflict_days_note(tlsrpt_conflict_days_t *days, size_t n);

/* The reports of that day are wanted.  0: they were already. */
int tlsrpt_conflict_days_want(tlsrpt_conflict_days_t *days, size_t n);

/* Once all day logs are read: the next command, made by the scan, one at a
   time; NULL: there is none, or none before another reply. */
const tlsrpt_command_t *tlsrpt_conflict_days_next(tlsrpt_conflict_days_t *days,
    tlsrpt_day_scan_t *scan);
/* 0, or -1: no memory. */
int tlsrpt_conflict_days_add(tlsrpt_conflict_days_t *days,
    const tlsrpt_day_scan_t *scan, const tlsrpt_reply_t *reply)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_CONFLICTS_H */
