/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_time.h"


#define MAX_DEVIATIONS  16


/*
 * Encoding
 */

/* "policies[3].policy" becomes "policies[].policy": the same deviation. */

static void
strip_indexes(const char *path, char stripped[TLSRPT_PATH_LEN])
{
    char  *p = stripped;

    for ( ; *path; path++) {
        if (*path < '0' || *path > '9') {
            *p++ = *path;
        }
    }

    *p = '\0';
}


static int
is_known(const json_t *deviations, const char *path, const char *message)
{
    size_t   i;
    json_t  *d;

    json_array_foreach((json_t *) deviations, i, d) {
        if (strcmp(json_string_value(json_array_get(d, 1)), path) == 0
            && strcmp(json_string_value(json_array_get(d, 2)), message) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static json_t *
deviations_json(const tlsrpt_report_t *report)
{
    char     path[TLSRPT_PATH_LEN];
    json_t  *array = json_array();

    for (size_t i = 0; array && i < report->nwarnings
                       && json_array_size(array) < MAX_DEVIATIONS; i++)
    {
        const tlsrpt_warning_t  *w = &report->warnings[i];

        strip_indexes(w->path, path);

        if (!is_known(array, path, w->message)
            && json_array_append_new(array,
                                     json_pack("[s, s, s]", w->section, path,
                                               w->message))
               != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    return array;
}


static char *
bounded_dumps(json_t *json)
{
    char  *text = json_dumps(json, JSON_COMPACT);

    if (text == NULL || strlen(text) <= TLSRPT_MAX_LISTING) {
        return text;
    }

    free(text);

    return json_object_set_new(json, "x", json_array()) == 0
           ? json_dumps(json, JSON_COMPACT) : NULL;
}


char *
tlsrpt_listing_encode(const tlsrpt_report_t *report,
    const tlsrpt_tally_t *tally, const tlsrpt_ingest_t *ingest)
{
    char    *text = NULL;
    json_t  *json;

    json = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:i, s:o, s:I, s:I, s:I,"
                     " s:o}",
                     "o", tlsrpt_str_json(report->organization_name),
                     "i", tlsrpt_str_json(report->report_id),
                     "c", tlsrpt_str_json(report->contact_info),
                     "b", (json_int_t) report->start,
                     "e", (json_int_t) report->end,
                     "r", (json_int_t) ingest->now,
                     "v", (int) ingest->via,
                     "d", tlsrpt_str_json(ingest->signer),
                     "s", (json_int_t) tally->successful,
                     "f", (json_int_t) tally->failed,
                     "w", (json_int_t) (report->nwarnings
                                        + report->nwarnings_overflow),
                     "x", deviations_json(report));

    if (json != NULL) {
        text = bounded_dumps(json);
        json_decref(json);
    }

    return text;
}


/*
 * Decoding
 */

static tlsrpt_str_t
text_of(const json_t *json, const char *name)
{
    tlsrpt_str_t  s = { NULL, 0 };
    json_t       *value = json_object_get(json, name);

    if (json_is_string(value)) {
        s.data = json_string_value(value);
        s.len = json_string_length(value);
    }

    return s;
}


/* A number, brought within 0 .. max: someone else may have written it. */

static int64_t
number_of(const json_t *json, const char *name, int64_t max)
{
    int64_t  value = json_integer_value(json_object_get(json, name));

    return value < 0 ? 0 : value > max ? max : value;
}


static void
make_id(char id[TLSRPT_ID_LEN + 1], int32_t day, const char *digest)
{
    char           *p = id;
    tlsrpt_date_t   date = tlsrpt_day_to_date(day);

    p += snprintf(p, 16, "%04u%02u%02u-", (unsigned) date.year % 10000,
                  (unsigned) date.month % 100, (unsigned) date.day % 100);

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        p += snprintf(p, 3, "%02x", (unsigned char) digest[i]);
    }
}


int
tlsrpt_listing_decode(tlsrpt_listing_t *listing, int32_t day,
    const tlsrpt_reply_t *digest, const tlsrpt_reply_t *text)
{
    json_t  *json;

    if (digest->type != TLSRPT_REPLY_STRING || text->type != TLSRPT_REPLY_STRING
        || digest->len != TLSRPT_DIGEST_LEN)
    {
        return -1;
    }

    json = json_loadb(text->str, text->len, 0, NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return -1;
    }

    make_id(listing->id, day, digest->str);
    listing->json = json;
    listing->organization_name = text_of(json, "o");
    listing->report_id = text_of(json, "i");
    listing->contact_info = text_of(json, "c");
    listing->signer = text_of(json, "d");
    listing->start = number_of(json, "b", TLSRPT_TIME_END - 1);
    listing->end = number_of(json, "e", TLSRPT_TIME_END - 1);
    listing->received = number_of(json, "r", TLSRPT_TIME_END - 1);
    listing->via = (unsigned) number_of(json, "v", TLSRPT_VIA_MAIL);
    listing->successful = (uint64_t) number_of(json, "s", TLSRPT_MAX_COUNT);
    listing->failed = (uint64_t) number_of(json, "f", TLSRPT_MAX_COUNT);
    listing->nwarnings = (uint64_t) number_of(json, "w", TLSRPT_MAX_COUNT);
    listing->deviations = json_object_get(json, "x");

    return 0;
}


void
tlsrpt_listing_free(tlsrpt_listing_t *listing)
{
    json_decref(listing->json);
    listing->json = NULL;
}


const char *
tlsrpt_listing_via(const tlsrpt_listing_t *listing)
{
    return listing->via == TLSRPT_VIA_MAIL ? "mail" : "https";
}


json_t *
tlsrpt_listing_json(const tlsrpt_listing_t *listing)
{
    char  start[TLSRPT_TIME_TEXT_LEN + 1], end[TLSRPT_TIME_TEXT_LEN + 1];
    char  received[TLSRPT_TIME_TEXT_LEN + 1];

    tlsrpt_time_text(listing->start, start);
    tlsrpt_time_text(listing->end, end);
    tlsrpt_time_text(listing->received, received);

    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}",
                     "id", listing->id,
                     "organization-name",
                     tlsrpt_str_json(listing->organization_name),
                     "report-id", tlsrpt_str_json(listing->report_id),
                     "start-datetime", start, "end-datetime", end,
                     "received", received,
                     "via", tlsrpt_listing_via(listing),
                     "signed-by", tlsrpt_str_json(listing->signer),
                     "total-successful-session-count",
                     (json_int_t) listing->successful,
                     "total-failure-session-count",
                     (json_int_t) listing->failed,
                     "warnings", (json_int_t) listing->nwarnings);
}


/*
 * Ids
 */

static int
hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


int
tlsrpt_id_parse(const char *id, size_t len, int32_t *day,
    unsigned char digest[TLSRPT_DIGEST_LEN])
{
    int   hi, lo;
    char  text[TLSRPT_DAY_TEXT_LEN];

    if (len != TLSRPT_ID_LEN || id[8] != '-') {
        return -1;
    }

    memcpy(text, id, 4);
    text[4] = '-';
    memcpy(text + 5, id + 4, 2);
    text[7] = '-';
    memcpy(text + 8, id + 6, 2);

    if (tlsrpt_day_parse(text, sizeof(text), day) != 0) {
        return -1;
    }

    for (int i = 0; i < TLSRPT_DIGEST_LEN; i++) {
        hi = hex_digit(id[9 + 2 * i]);
        lo = hex_digit(id[10 + 2 * i]);

        if (hi < 0 || lo < 0) {
            return -1;
        }

        digest[i] = (unsigned char) (hi << 4 | lo);
    }

    return 0;
}
