/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of a list of reports that someone else wrote.
 */

#include "tap.h"
#include "kept.h"
#include "report.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_reports.h"


static list_t              list;
static tlsrpt_listings_t  *listings;


/* 1, or 0: it is none. */

static int
decode(tlsrpt_listing_t *listing, unsigned flags, const char *signer,
    const char *line)
{
    tlsrpt_reply_t      entry = { .type = TLSRPT_REPLY_STRING };
    tlsrpt_kept_head_t  head;

    list_free(&list);
    list_add(&list, flags, 0, 3, signer, line);
    entry.str = list.entries[0].data;
    entry.len = list.entries[0].len;

    return tlsrpt_kept_decode(&head, 20000, &entry) == 0
           ? tlsrpt_listing_read(listings, listing, 20000, &head) : -1;
}


static const char *
member(json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}


static void
test_numbers(void)
{
    json_t            *json;
    tlsrpt_listing_t   listing;

    is_int(decode(&listing, 0, NULL, "{\"b\":9223372036854775807,"
                  "\"e\":-9223372036854775807,\"w\":-5}"),
           1, "numbers out of every bound");
    json = tlsrpt_listing_json(&listing);
    is_str(member(json, "start-datetime"), "9999-12-31T23:59:59Z",
           "the last second there is");
    is_str(member(json, "end-datetime"), "1970-01-01T00:00:00Z",
           "and the first");
    is_str(member(json, "received"), "2024-10-05T00:00:00Z", "received");
    is_int(listing.nwarnings, 0, "no negative warnings");
    json_decref(json);
    tlsrpt_listing_free(&listing);
}


static void
test_types(void)
{
    json_t            *json;
    tlsrpt_listing_t   listing;

    is_int(decode(&listing, TLSRPT_KEPT_MAIL, "x\xff", "{\"o\":5,\"i\":[],"
                  "\"b\":\"x\",\"e\":{},\"x\":{}}"), 1, "wrong types");
    json = tlsrpt_listing_json(&listing);
    ok(json_is_null(json_object_get(json, "organization-name")), "no name");
    is_str(member(json, "start-datetime"), "1970-01-01T00:00:00Z", "no time");
    is_str(member(json, "via"), "mail", "by mail");
    is_str(member(json, "signed-by"), "(not UTF-8)", "of somebody");
    json_decref(json);
    json = tlsrpt_listing_deviations(&listing);
    is_int((long long) json_array_size(json), 0, "no deviations");
    json_decref(json);
    tlsrpt_listing_free(&listing);

    is_int(decode(&listing, 0, NULL, "[]"), 0, "no object");
    is_int(decode(&listing, 0, NULL, "{"), 0, "no JSON");
    is_int(decode(&listing, 0, NULL, ""), 0, "nothing");
}


/* A page of them is one reply. */

static void
test_size(void)
{
    char             *text, name[TLSRPT_MAX_STRING + 1];
    json_t           *json;
    tlsrpt_report_t   report;
    tlsrpt_warning_t  warnings[TLSRPT_MAX_WARNINGS];

    memset(&report, 0, sizeof(report));
    memset(warnings, 0, sizeof(warnings));

    for (size_t i = 0; i < TLSRPT_MAX_WARNINGS; i++) {
        memset(warnings[i].message, 1, TLSRPT_DETAIL_LEN - 1);
        warnings[i].message[0] = (char) ('0' + i);
        warnings[i].section = "RFC 8460 4.4";
    }

    report.warnings = warnings;
    report.nwarnings = 1;
    text = tlsrpt_listing_line(&report, str("example.com"));
    json = json_loads(text, 0, NULL);
    is_int(json_array_size(json_object_get(json, "x")), 1, "a deviation");
    json_decref(json);
    free(text);

    memset(name, 1, TLSRPT_MAX_STRING);
    name[TLSRPT_MAX_STRING] = '\0';
    report.organization_name = str(name);
    report.report_id = str(name);
    report.nwarnings = TLSRPT_MAX_WARNINGS;
    text = tlsrpt_listing_line(&report, str("example.com"));
    ok(strlen(text) <= TLSRPT_MAX_LISTING, "the longest is not too long");
    json = json_loads(text, 0, NULL);
    is_int(json_array_size(json_object_get(json, "x")), 0,
           "it leaves the deviations out");
    is_int(json_integer_value(json_object_get(json, "w")),
           TLSRPT_MAX_WARNINGS, "and counts them");
    json_decref(json);
    free(text);
}


int
main(void)
{
    listings = tlsrpt_listings_create(str("example.com"));
    test_numbers();
    test_size();
    test_types();

    tlsrpt_listings_destroy(listings);
    list_free(&list);

    return done();
}
