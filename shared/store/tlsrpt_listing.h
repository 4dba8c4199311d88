/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a list shows of a report that is kept (tlsrpt_kept.h): what only its
 * coming tells, from its entry, and the rest from its text, read again; of a
 * long text from the line that the entry has in its place.
 */

#ifndef TLSRPT_LISTING_H
#define TLSRPT_LISTING_H

#include "tlsrpt_kept.h"
#include "tlsrpt_reader.h"

#pragma GCC visibility push(hidden)

typedef struct {
    char                    id[TLSRPT_ID_LEN + 1];
    unsigned                index;          /* in its day's list */
    int                     conflicts;      /* perhaps: others have its name */
    int                     is_cut;
    int                     is_struck;
    tlsrpt_str_t            organization_name;      /* data NULL: not given */
    tlsrpt_str_t            report_id;
    tlsrpt_str_t            contact_info;
    tlsrpt_str_t            signer;
    int64_t                 start;
    int64_t                 end;
    int64_t                 received;
    unsigned                via;
    uint64_t                successful;
    uint64_t                failed;
    uint64_t                nwarnings;
    const tlsrpt_report_t  *report;         /* of a short text, else NULL */
    json_t                 *json;           /* owns what is of a line */
    char                   *own;            /* the strings of a copy */
} tlsrpt_listing_t;

/*
 * Reads the listings of a domain, one after the other.
 */

typedef struct tlsrpt_listings  tlsrpt_listings_t;

tlsrpt_listings_t *tlsrpt_listings_create(tlsrpt_str_t domain)
    TLSRPT_MUST_USE;
void tlsrpt_listings_destroy(tlsrpt_listings_t *listings);

/* 1: the listing, borrowed from the entry until the next is read, but to be
   freed; 0: it cannot be read back; -1: no memory. */
int tlsrpt_listing_read(tlsrpt_listings_t *listings, tlsrpt_listing_t *listing,
    int32_t day, const tlsrpt_kept_head_t *head) TLSRPT_MUST_USE;

/* A copy of its own, without report; 0, or -1: no memory.  To be freed either
   way. */
int tlsrpt_listing_keep(tlsrpt_listing_t *listing,
    const tlsrpt_listing_t *from) TLSRPT_MUST_USE;
void tlsrpt_listing_free(tlsrpt_listing_t *listing);

/* How its text is read again. */
void tlsrpt_listing_conf(tlsrpt_reader_conf_t *conf,
    const tlsrpt_kept_head_t *head, tlsrpt_str_t domain);

/* "mail" or "https" */
const char *tlsrpt_listing_via(const tlsrpt_listing_t *listing);

/* [[section, path, message]...], each once, a path without its indexes; NULL:
   no memory.  Not of a copy. */
json_t *tlsrpt_listing_deviations(const tlsrpt_listing_t *listing)
    TLSRPT_MUST_USE;

/* The members of a report in a list; NULL: no memory. */
json_t *tlsrpt_listing_json(const tlsrpt_listing_t *listing) TLSRPT_MUST_USE;

/* The line of a long text: JSON, free() it; NULL: no memory.  One that is
   longer leaves the deviations out. */
#define TLSRPT_MAX_LISTING  6144

char *tlsrpt_listing_line(const tlsrpt_report_t *report, tlsrpt_str_t domain)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_LISTING_H */
