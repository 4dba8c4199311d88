/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Listings of a list of reports that someone else wrote.
 */

#include "tap.h"
#include "report.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_reports.h"


static tlsrpt_reply_t
reply(const char *text, size_t len)
{
    tlsrpt_reply_t  r = { .type = TLSRPT_REPLY_STRING, .str = text,
                          .len = len };

    return r;
}


static int
decode(tlsrpt_listing_t *listing, const char *text)
{
    tlsrpt_reply_t  digest = reply("12345678", TLSRPT_DIGEST_LEN);
    tlsrpt_reply_t  value = reply(text, strlen(text));

    return tlsrpt_listing_decode(listing, 20000, &digest, &value);
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

    is_int(decode(&listing, "{\"b\":9223372036854775807,"
                  "\"e\":-9223372036854775807,\"r\":253402300800,"
                  "\"s\":-1,\"f\":9223372036854775807,\"w\":-5,\"v\":1}"),
           0, "numbers out of every bound");
    json = tlsrpt_listing_json(&listing);
    is_str(member(json, "start-datetime"), "9999-12-31T23:59:59Z",
           "the last second there is");
    is_str(member(json, "end-datetime"), "1970-01-01T00:00:00Z",
           "and the first");
    is_str(member(json, "received"), "9999-12-31T23:59:59Z",
           "one second more");
    is_int(listing.received - listing.end, TLSRPT_TIME_END - 1,
           "times can be compared");
    is_int(listing.successful, 0, "no negative counts");
    is_int(listing.nwarnings, 0, "nor warnings");
    ok(listing.failed == TLSRPT_MAX_COUNT, "no count over 2^53 - 1");
    json_decref(json);
    tlsrpt_listing_free(&listing);
}


static void
test_types(void)
{
    json_t            *json;
    tlsrpt_listing_t   listing;

    is_int(decode(&listing, "{\"o\":5,\"i\":[],\"b\":\"x\",\"e\":{},\"d\":null,"
                  "\"x\":{}}"), 0, "wrong types");
    json = tlsrpt_listing_json(&listing);
    ok(json_is_null(json_object_get(json, "organization-name")), "no name");
    is_str(member(json, "start-datetime"), "1970-01-01T00:00:00Z", "no time");
    json_decref(json);
    tlsrpt_listing_free(&listing);

    is_int(decode(&listing, "[]"), -1, "no object");
    is_int(decode(&listing, "{"), -1, "no JSON");
    is_int(decode(&listing, ""), -1, "nothing");
}


static void
test_id(void)
{
    int32_t            day;
    unsigned char      digest[TLSRPT_DIGEST_LEN];
    const char        *id = "20261123-142cefcb516a4ba7";
    static const char  *const bad[] = {
        "", "20261123", "20261123-142cefcb516a4ba",
        "20261123-142cefcb516a4ba70", "20261123142cefcb516a4ba70",
        "20261323-142cefcb516a4ba7", "20261123-142cefcb516a4bag",
        "2026112a-142cefcb516a4ba7"
    };

    is_int(tlsrpt_id_parse(id, strlen(id), &day, digest), 0, "%s", id);
    is_int(day, 20780, "its day");
    is_int(digest[0] << 8 | digest[7], 0x14a7, "its digest");

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(tlsrpt_id_parse(bad[i], strlen(bad[i]), &day, digest), -1,
               "\"%s\" is no id", bad[i]);
    }
}


/* A list of a day, of as many listings as there may be, is one reply. */

static void
test_size(void)
{
    char             *text, name[TLSRPT_MAX_STRING + 1];
    json_t           *json;
    tlsrpt_tally_t    tally;
    tlsrpt_ingest_t   ingest;
    tlsrpt_report_t   report;
    tlsrpt_warning_t  warnings[TLSRPT_MAX_WARNINGS];

    memset(&tally, 0, sizeof(tally));
    memset(&ingest, 0, sizeof(ingest));
    memset(&report, 0, sizeof(report));
    memset(warnings, 0, sizeof(warnings));

    for (size_t i = 0; i < TLSRPT_MAX_WARNINGS; i++) {
        memset(warnings[i].message, 1, TLSRPT_DETAIL_LEN - 1);
        warnings[i].message[0] = (char) ('0' + i);
        warnings[i].section = "RFC 8460 4.4";
    }

    report.warnings = warnings;
    report.nwarnings = 1;
    text = tlsrpt_listing_encode(&report, &tally, &ingest);
    json = json_loads(text, 0, NULL);
    is_int(json_array_size(json_object_get(json, "x")), 1, "a deviation");
    json_decref(json);
    free(text);

    memset(name, 1, TLSRPT_MAX_STRING);
    name[TLSRPT_MAX_STRING] = '\0';
    report.organization_name = str(name);
    report.report_id = str(name);
    ingest.signer = str(name);
    report.nwarnings = TLSRPT_MAX_WARNINGS;
    text = tlsrpt_listing_encode(&report, &tally, &ingest);
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
    test_numbers();
    test_size();
    test_types();
    test_id();

    return done();
}
