/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tlsrpt_count.h"
#include "tlsrpt_domain.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_reader.h"
#include "tlsrpt_time.h"
#include "tlsrpt_zstd.h"


#define MAX_DEVIATIONS  16

struct tlsrpt_listings {
    tlsrpt_reader_t  *reader;
    tlsrpt_str_t      domain;
    char              text[TLSRPT_ZSTD_SHORT];
    char              domain_text[TLSRPT_DOMAIN_LEN + 1];
};


/*
 * Deviations
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


/* domain: what does not concern it is left out; data NULL: nothing is. */

static json_t *
deviations_json(const tlsrpt_report_t *report, tlsrpt_str_t domain)
{
    char     path[TLSRPT_PATH_LEN];
    json_t  *array = json_array();

    for (size_t i = 0; array && i < report->nwarnings
                       && json_array_size(array) < MAX_DEVIATIONS; i++)
    {
        const tlsrpt_warning_t  *w = &report->warnings[i];

        if (domain.data != NULL && !tlsrpt_report_warns(report, w, domain)) {
            continue;
        }

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


json_t *
tlsrpt_listing_deviations(const tlsrpt_listing_t *listing)
{
    tlsrpt_str_t  all = { NULL, 0 };
    json_t       *kept;

    if (listing->report != NULL) {
        return deviations_json(listing->report, all);
    }

    kept = json_object_get(listing->json, "x");

    return json_is_array(kept) ? json_incref(kept) : json_array();
}


/*
 * The line of a long one
 */

static uint64_t
nwarnings_of(const tlsrpt_report_t *report, tlsrpt_str_t domain)
{
    uint64_t  n = report->nwarnings_overflow;

    for (size_t i = 0; i < report->nwarnings; i++) {
        n += tlsrpt_report_warns(report, &report->warnings[i], domain) != 0;
    }

    return n;
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
tlsrpt_listing_line(const tlsrpt_report_t *report, tlsrpt_str_t domain)
{
    char    *text = NULL;
    json_t  *json;

    json = json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:o}",
                     "o", tlsrpt_str_json(report->organization_name),
                     "i", tlsrpt_str_json(report->report_id),
                     "c", tlsrpt_str_json(report->contact_info),
                     "b", (json_int_t) report->start,
                     "e", (json_int_t) report->end,
                     "w", (json_int_t) nwarnings_of(report, domain),
                     "x", deviations_json(report, domain));

    if (json != NULL) {
        text = bounded_dumps(json);
        json_decref(json);
    }

    return text;
}


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


static int
read_line(tlsrpt_listing_t *listing, tlsrpt_str_t line)
{
    json_t  *json = json_loadb(line.data, line.len, 0, NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return 0;
    }

    listing->json = json;
    listing->organization_name = text_of(json, "o");
    listing->report_id = text_of(json, "i");
    listing->contact_info = text_of(json, "c");
    listing->start = number_of(json, "b", TLSRPT_TIME_END - 1);
    listing->end = number_of(json, "e", TLSRPT_TIME_END - 1);
    listing->nwarnings = (uint64_t) number_of(json, "w", TLSRPT_MAX_COUNT);

    return 1;
}


/*
 * Reading
 */

tlsrpt_listings_t *
tlsrpt_listings_create(tlsrpt_str_t domain)
{
    tlsrpt_listings_t  *listings = calloc(1, sizeof(*listings));

    if (listings != NULL) {
        listings->domain.data = listings->domain_text;
        listings->domain.len = domain.len < TLSRPT_DOMAIN_LEN
                               ? domain.len : TLSRPT_DOMAIN_LEN;
        memcpy(listings->domain_text, domain.data, listings->domain.len);
    }

    return listings;
}


void
tlsrpt_listings_destroy(tlsrpt_listings_t *listings)
{
    if (listings != NULL) {
        tlsrpt_reader_destroy(listings->reader);
        free(listings);
    }
}


void
tlsrpt_listing_conf(tlsrpt_reader_conf_t *conf, const tlsrpt_kept_head_t *head,
    tlsrpt_str_t domain)
{
    memset(conf, 0, sizeof(*conf));
    conf->max_size = head->digest != NULL ? head->size : TLSRPT_ZSTD_SHORT;
    conf->deviations = head->way;
    conf->domain = domain;
    conf->leave_unnamed = !(head->flags & TLSRPT_KEPT_UNNAMED);
}


static int
read_text(tlsrpt_listings_t *listings, tlsrpt_listing_t *listing,
    const tlsrpt_kept_head_t *head)
{
    size_t                  len;
    tlsrpt_reader_conf_t    conf;
    const tlsrpt_report_t  *report;

    if (listings->reader == NULL) {
        listings->reader = tlsrpt_reader_create();

        if (listings->reader == NULL) {
            return -1;
        }
    }

    len = tlsrpt_kept_text(head, listings->text);
    tlsrpt_listing_conf(&conf, head, listings->domain);
    tlsrpt_reader_reset(listings->reader, &conf);

    if (tlsrpt_reader_feed(listings->reader, listings->text, len) != TLSRPT_OK
        || tlsrpt_reader_finish(listings->reader, &report) != TLSRPT_OK)
    {
        return tlsrpt_reader_error(listings->reader)->code == TLSRPT_ERR_MEMORY
               ? -1 : 0;
    }

    /* a warning that there was no memory for is counted, no more */

    if (report->nwarnings_overflow && report->nwarnings < TLSRPT_MAX_WARNINGS) {
        return -1;
    }

    listing->report = report;
    listing->organization_name = report->organization_name;
    listing->report_id = report->report_id;
    listing->contact_info = report->contact_info;
    listing->start = report->start;
    listing->end = report->end;
    listing->nwarnings = report->nwarnings + report->nwarnings_overflow;

    return 1;
}


int
tlsrpt_listing_read(tlsrpt_listings_t *listings, tlsrpt_listing_t *listing,
    int32_t day, const tlsrpt_kept_head_t *head)
{
    memset(listing, 0, sizeof(*listing));
    tlsrpt_id_make(listing->id, day, head);

    listing->index = head->index;
    listing->conflicts = (head->flags & TLSRPT_KEPT_CONFLICTS) != 0;
    listing->is_cut = (head->flags & TLSRPT_KEPT_CUT) != 0;
    listing->is_struck = head->is_struck;
    listing->via = head->flags & TLSRPT_KEPT_MAIL ? TLSRPT_VIA_MAIL
                                                  : TLSRPT_VIA_HTTPS;
    listing->signer = head->signer;
    listing->received = head->received;
    listing->successful = head->successful;
    listing->failed = head->failed;

    return head->digest != NULL ? read_line(listing, head->rest)
                                : read_text(listings, listing, head);
}


static char *
copy(char *p, tlsrpt_str_t *s)
{
    if (s->data == NULL) {
        return p;
    }

    memcpy(p, s->data, s->len);
    s->data = p;

    return p + s->len;
}


int
tlsrpt_listing_keep(tlsrpt_listing_t *listing, const tlsrpt_listing_t *from)
{
    char  *p = malloc(from->organization_name.len + from->report_id.len
                      + from->contact_info.len + from->signer.len + 1);

    *listing = *from;
    listing->report = NULL;
    listing->json = NULL;
    listing->own = p;

    if (p == NULL) {
        return -1;
    }

    p = copy(p, &listing->organization_name);
    p = copy(p, &listing->report_id);
    p = copy(p, &listing->contact_info);
    (void) copy(p, &listing->signer);

    return 0;
}


void
tlsrpt_listing_free(tlsrpt_listing_t *listing)
{
    json_decref(listing->json);
    listing->json = NULL;
    free(listing->own);
    listing->own = NULL;
}


const char *
tlsrpt_listing_via(const tlsrpt_listing_t *listing)
{
    return listing->via == TLSRPT_VIA_MAIL ? "mail" : "https";
}


json_t *
tlsrpt_listing_json(const tlsrpt_listing_t *listing)
{
    char     start[TLSRPT_TIME_TEXT_LEN + 1], end[TLSRPT_TIME_TEXT_LEN + 1];
    char     received[TLSRPT_TIME_TEXT_LEN + 1];
    json_t  *json;

    tlsrpt_time_text(listing->start, start);
    tlsrpt_time_text(listing->end, end);
    tlsrpt_time_text(listing->received, received);

    json = json_pack("{s:s, s:o, s:o, s:s, s:s, s:s, s:s, s:o, s:I, s:I, s:I}",
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

    if (json != NULL
        && ((listing->is_cut
             && json_object_set_new(json, "cut", json_true()) != 0)
            || (listing->is_struck
                && json_object_set_new(json, "struck", json_true()) != 0)))
    {
        json_decref(json);
        return NULL;
    }

    return json;
}
