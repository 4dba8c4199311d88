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
    unsigned        index;

    check_time(listing->start);
    check_time(listing->end);
    check_time(listing->received);
    CHECK(listing->via == TLSRPT_VIA_HTTPS || listing->via == TLSRPT_VIA_MAIL);
    CHECK(listing->successful <= TLSRPT_MAX_COUNT);
    CHECK(listing->failed <= TLSRPT_MAX_COUNT);
    CHECK(listing->nwarnings <= TLSRPT_MAX_COUNT);
    CHECK(tlsrpt_id_parse(listing->id, strlen(listing->id), &day, &index) == 0);
    CHECK(day == 20000 && index == listing->index);

    CHECK(json_is_object(json));
    text = json_dumps(json, JSON_ENSURE_ASCII);
    CHECK(text != NULL);
    free(text);
    json_decref(json);
}


static void
check_entry(const tlsrpt_kept_head_t *head)
{
    int                        rc;
    tlsrpt_str_t               domain = { "example.com", 11 };
    tlsrpt_listing_t           listing, copy;
    static tlsrpt_listings_t  *listings;

    if (listings == NULL) {
        listings = tlsrpt_listings_create(domain);
    }

    rc = tlsrpt_listing_read(listings, &listing, 20000, head);
    CHECK(rc >= 0);

    if (rc == 1) {
        check_listing(&listing);
        json_decref(tlsrpt_listing_deviations(&listing));
        CHECK(tlsrpt_listing_keep(&copy, &listing) == 0);
        check_listing(&copy);
        tlsrpt_listing_free(&copy);
    }

    tlsrpt_listing_free(&listing);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                *text = malloc(size + 1);
    int32_t              day;
    unsigned             index;
    tlsrpt_reply_t       value = { .type = TLSRPT_REPLY_STRING, .len = size };
    tlsrpt_kept_head_t   head;

    CHECK(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    value.str = text;

    if (tlsrpt_kept_decode(&head, 20000, &value) == 0) {
        check_entry(&head);
    }

    /* an id of a report, too, is anybody's */
    (void) !tlsrpt_id_parse(text, size, &day, &index);
    free(text);

    return 0;
}
