/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A report's listing, in its day's list: what is shown of the report without
 * reading it again, and what only its coming tells (when, how, signed by whom).
 * JSON in the hash PREFIX:{DOMAIN}:DAY:reports, under the report's digest.
 */

#ifndef TLSRPT_LISTING_H
#define TLSRPT_LISTING_H

#include "tlsrpt_identity.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_strings.h"
#include "tlsrpt_tally.h"

#pragma GCC visibility push(hidden)

/* The id of a report: "YYYYMMDD-" and its digest in hexadecimal. */
#define TLSRPT_ID_LEN  (8 + 1 + 2 * TLSRPT_DIGEST_LEN)

typedef struct {
    char           id[TLSRPT_ID_LEN + 1];
    tlsrpt_str_t   organization_name;       /* data NULL: not given */
    tlsrpt_str_t   report_id;
    tlsrpt_str_t   contact_info;            /* nor in older listings */
    tlsrpt_str_t   signer;
    int64_t        start;
    int64_t        end;
    int64_t        received;
    unsigned       via;
    uint64_t       successful;
    uint64_t       failed;
    uint64_t       nwarnings;
    const json_t  *deviations;              /* [[section, path, message]...] */
    json_t        *json;                    /* owns all of it */
} tlsrpt_listing_t;

/* One that is longer leaves the deviations out; a day's list (10,000 listings,
   shared/store/ingest.lua) is read in one reply. */
#define TLSRPT_MAX_LISTING  6144

/* JSON text, free() it; NULL: no memory. */
char *tlsrpt_listing_encode(const tlsrpt_report_t *report,
    const tlsrpt_tally_t *tally, const tlsrpt_ingest_t *ingest) TLSRPT_MUST_USE;

/* 0, or -1: not a listing.  digest: the hash's field. */
int tlsrpt_listing_decode(tlsrpt_listing_t *listing, int32_t day,
    const tlsrpt_reply_t *digest, const tlsrpt_reply_t *text) TLSRPT_MUST_USE;
void tlsrpt_listing_free(tlsrpt_listing_t *listing);

/* "mail" or "https" */
const char *tlsrpt_listing_via(const tlsrpt_listing_t *listing);

/* The members of a report in a list; NULL: no memory. */
json_t *tlsrpt_listing_json(const tlsrpt_listing_t *listing) TLSRPT_MUST_USE;

/* 0, or -1: not an id. */
int tlsrpt_id_parse(const char *id, size_t len, int32_t *day,
    unsigned char digest[TLSRPT_DIGEST_LEN]) TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_LISTING_H */
