/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A report as it is kept: two elements of the list PREFIX:{DOMAIN}:DAY:kept,
 * to whose end the script adds (shared/store/ingest.lua).
 *
 *     name   three bytes made of the organization-name and the report-id, by
 *            which reports that share both are found; empty: no report-id
 *     entry  index     2 bytes, least significant first, as all: the how
 *                      manieth it is of its list, from 0
 *            size      3 bytes: of all names, entries and texts of the list up
 *                      to this one
 *            version   1 byte: 1, which says what follows, and the dictionary;
 *                      128 more: the report is struck out
 *            flags     1 byte: TLSRPT_KEPT_...
 *            received  varint: seconds after the day, doubled; one more where
 *                      it was within it, and counts back
 *            sessions  2 varints: successful, failed
 *            way       1 byte, with _WAY: TLSRPT_INFLATE_... of what came
 *            signer    1 byte, its length, and DKIM's d=, with _SIGNER
 *            address   the same, 4 or 16 bytes, of who sent it, with _ADDRESS
 *            text      the rest: what the report says of the domain, as it
 *                      came, compressed (tlsrpt_zstd_pack)
 *
 * What a list shows is read from the text again.  One longer than
 * TLSRPT_ZSTD_SHORT is in a key of its own, PREFIX:{DOMAIN}:DAY:HEX, as a frame
 * of zstd, and the entry has, with _LARGE, in its place:
 *
 *            digest    8 bytes: the HEX
 *            size      varint: of the text
 *            line      the rest: what a list shows (tlsrpt_listing_line)
 *
 * Entries are read by later versions for ever; one of a version that a reader
 * does not know is passed over.
 */

#ifndef TLSRPT_KEPT_H
#define TLSRPT_KEPT_H

#include "tlsrpt_buf.h"
#include "tlsrpt_identity.h"
#include "tlsrpt_ingest.h"
#include "tlsrpt_reply.h"
#include "tlsrpt_tally.h"

#pragma GCC visibility push(hidden)

#define TLSRPT_KEPT_VERSION    1
#define TLSRPT_KEPT_STRUCK     128          /* with the version: who knows
                                               nothing of it passes over the
                                               entry */

#define TLSRPT_KEPT_MAIL       1
#define TLSRPT_KEPT_CONFLICTS  2            /* others have its name: set by the
                                               script */
#define TLSRPT_KEPT_CUT        4            /* others' policies are left out */
#define TLSRPT_KEPT_UNNAMED    8            /* policies without a name are the
                                               domain's */
#define TLSRPT_KEPT_LARGE      16
#define TLSRPT_KEPT_WAY        32
#define TLSRPT_KEPT_SIGNER     64
#define TLSRPT_KEPT_ADDRESS    128

#define TLSRPT_KEPT_NAME_LEN   3

/* The id of a report: "YYYYMMDD-INDEX-CHECK"; CHECK is made of the entry, so
   that an id of a list that is gone is not one of a list made anew. */
#define TLSRPT_ID_LEN          (8 + 1 + 5 + 1 + 8)

/*
 * Encoding
 */

typedef struct {
    char          name[TLSRPT_KEPT_NAME_LEN];
    size_t        name_len;
    tlsrpt_buf_t  entry;                    /* from the version on */
    tlsrpt_buf_t  text;                     /* of its own key; len 0: none */
} tlsrpt_kept_t;

/* 1; 0: it is not worth keeping, as it takes too much room for the body that it
   came in; -1: no memory.  All zeroes before; free it either way. */
int tlsrpt_kept_encode(tlsrpt_kept_t *kept, const tlsrpt_report_t *report,
    unsigned domain, const tlsrpt_tally_t *tally,
    const tlsrpt_ingest_t *ingest,
    const unsigned char digest[TLSRPT_DIGEST_LEN]) TLSRPT_MUST_USE;
void tlsrpt_kept_free(tlsrpt_kept_t *kept);

/* The name that an entry stands behind; how long it is, 0: no id was given.
   Others share it by chance: what the reports say tells them apart. */
size_t tlsrpt_kept_name(char name[TLSRPT_KEPT_NAME_LEN],
    tlsrpt_str_t organization, tlsrpt_str_t id);


/*
 * Decoding: all is borrowed from the reply.
 */

typedef struct {
    unsigned       index;
    unsigned       flags;
    int64_t        received;
    uint64_t       successful;
    uint64_t       failed;
    unsigned       way;
    tlsrpt_str_t   signer;                  /* data NULL: none */
    tlsrpt_str_t   address;
    tlsrpt_str_t   rest;                    /* the packed text, or the line */
    size_t         size;                    /* of a large text */
    const char    *digest;                  /* of a large text, else NULL */
    unsigned       version;
    int            is_struck;
    uint32_t       check;
} tlsrpt_kept_head_t;

/* The index of an entry of any version; -1: it is none. */
int tlsrpt_kept_index(const tlsrpt_reply_t *entry);

/* 0, or -1: not an entry, or none that is known here. */
int tlsrpt_kept_decode(tlsrpt_kept_head_t *head, int32_t day,
    const tlsrpt_reply_t *entry) TLSRPT_MUST_USE;

/* Strikes the entry out, or takes that back; it is one that was decoded. */
void tlsrpt_kept_strike(char *entry, int is_struck);

/* The short text, into room for TLSRPT_ZSTD_SHORT bytes; 0: there is none. */
size_t tlsrpt_kept_text(const tlsrpt_kept_head_t *head, char *text)
    TLSRPT_MUST_USE;

/*
 * Ids
 */

void tlsrpt_id_make(char id[TLSRPT_ID_LEN + 1], int32_t day,
    const tlsrpt_kept_head_t *head);

/* 0, or -1: not an id. */
int tlsrpt_id_parse(const char *id, size_t len, int32_t *day, unsigned *index)
    TLSRPT_MUST_USE;

#pragma GCC visibility pop

#endif /* TLSRPT_KEPT_H */
