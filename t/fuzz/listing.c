/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A listing of a report, as somebody may have written it into Redis: what is
 * taken has times and counts within their bounds, and can be shown.
 */

#include "fuzz.h"

#include "tlsrpt_listing.h"
#include "tlsrpt_time.h"


static void
check_time(int64_t time)
{
    CHECK(time >= 0 && time < TLSRPT_TIME_END);
}


static void
check_listing(const tlsrpt_listing_t *listing)
{
    char           *text;
    json_t         *json = tlsrpt_listing_json(listing);
    int32_t         day;
    unsigned char   digest[TLSRPT_DIGEST_LEN];

    check_time(listing->start);
    check_time(listing->end);
    check_time(listing->received);
    CHECK(listing->via == TLSRPT_VIA_HTTPS || listing->via == TLSRPT_VIA_MAIL);
    CHECK(listing->successful <= TLSRPT_MAX_COUNT);
    CHECK(listing->failed <= TLSRPT_MAX_COUNT);
    CHECK(listing->nwarnings <= TLSRPT_MAX_COUNT);
    CHECK(tlsrpt_id_parse(listing->id, strlen(listing->id), &day, digest) == 0);
    CHECK(day == 20000 && memcmp(digest, "12345678", 8) == 0);

    CHECK(json_is_object(json));
    text = json_dumps(json, JSON_ENSURE_ASCII);
    CHECK(text != NULL);
    free(text);
    json_decref(json);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               *text = malloc(size + 1);
    int32_t             day;
    tlsrpt_listing_t    listing;
    tlsrpt_reply_t      digest = { .type = TLSRPT_REPLY_STRING,
                                 .str = "12345678", .len = TLSRPT_DIGEST_LEN };
    tlsrpt_reply_t      value = { .type = TLSRPT_REPLY_STRING, .len = size };
    unsigned char       id[TLSRPT_DIGEST_LEN];

    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    value.str = text;

    if (tlsrpt_listing_decode(&listing, 20000, &digest, &value) == 0) {
        check_listing(&listing);
        tlsrpt_listing_free(&listing);
    }

    /* an id of a report, too, is anybody's */
    (void) !tlsrpt_id_parse(text, size, &day, id);
    free(text);

    return 0;
}
