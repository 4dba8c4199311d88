/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_conflicts.h"
#include "tlsrpt_csv.h"
#include "tlsrpt_listing.h"
#include "tlsrpt_listing_scan.h"
#include "tlsrpt_reports.h"
#include "tlsrpt_senders.h"
#include "tlsrpt_time.h"


/* How well senders keep to RFC 8460: from the lists of the kept reports. */

#define MAX_SENDERS     512
#define MAX_DELAYS      1024                /* of one sender, for the median */
#define MAX_SIGNERS     16
#define MAX_DEVIATIONS  32
#define MAX_CONFLICTS   32

typedef struct {
    json_t    *name;                        /* as it is answered */
    uint64_t   reports;
    int32_t    first;
    int32_t    last;
    unsigned   via;                         /* bits, 1 << TLSRPT_VIA_... */
    int64_t   *delays;
    size_t     ndelays;
    int64_t    longest;
    json_t    *signers;                     /* array */
    json_t    *deviations;                  /* as they are answered */
    json_t    *conflicts;
} sender_t;

typedef struct {
    tlsrpt_lookup_t       lookup;
    tlsrpt_listing_scan_t scan;
    tlsrpt_listings_t    *listings;
    tlsrpt_day_list_t     list;             /* of the day that is being read */
    int32_t               from;
    int32_t               to;
    sender_t              senders[MAX_SENDERS];
    size_t                nsenders;
} tlsrpt_senders_t;


static void
senders_destroy(tlsrpt_lookup_t *lookup)
{
    tlsrpt_senders_t  *senders = (tlsrpt_senders_t *) lookup;

    if (senders == NULL) {
        return;
    }

    for (size_t i = 0; i < senders->nsenders; i++) {
        sender_t  *s = &senders->senders[i];

        json_decref(s->name);
        json_decref(s->signers);
        json_decref(s->deviations);
        json_decref(s->conflicts);
        free(s->delays);
    }

    tlsrpt_listing_scan_free(&senders->scan);
    tlsrpt_listings_destroy(senders->listings);
    tlsrpt_day_list_free(&senders->list);
    free(senders);
}


static const tlsrpt_command_t *
senders_next(tlsrpt_lookup_t *lookup, size_t *n)
{
    tlsrpt_senders_t  *senders = (tlsrpt_senders_t *) lookup;

    return tlsrpt_listing_scan_next(&senders->scan, TLSRPT_LISTING_PAGE, n);
}


static int
senders_seen(const tlsrpt_lookup_t *lookup)
{
    return ((const tlsrpt_senders_t *) lookup)->scan.days.seen;
}


/*
 * Gathering
 */

/* name: NULL where there was no memory for it. */

static int
sender_init(sender_t *s, json_t *name, int32_t day)
{
    s->name = name;
    s->first = day;
    s->last = day;
    s->delays = malloc(MAX_DELAYS * sizeof(*s->delays));
    s->signers = json_array();
    s->deviations = json_array();
    s->conflicts = json_array();

    return s->name && s->delays && s->signers && s->deviations && s->conflicts
           ? 0 : -1;
}


static int
is_name(const json_t *name, tlsrpt_str_t s)
{
    return s.data == NULL ? json_is_null(name)
           : json_is_string(name) && json_string_length(name) == s.len
             && memcmp(json_string_value(name), s.data, s.len) == 0;
}


/* The listing's sender; NULL: no memory, or too many senders. */

static sender_t *
sender_of(tlsrpt_senders_t *senders, const tlsrpt_listing_t *listing,
    int32_t day, int *failed)
{
    size_t        i;
    sender_t     *s;
    tlsrpt_str_t  name = listing->organization_name;

    for (i = 0; i < senders->nsenders; i++) {
        if (is_name(senders->senders[i].name, name)) {
            return &senders->senders[i];
        }
    }

    if (i == MAX_SENDERS) {
        return NULL;
    }

    s = &senders->senders[senders->nsenders++];
    *failed = sender_init(s, tlsrpt_str_json(name), day);

    return *failed ? NULL : s;
}


static int
gather_signer(sender_t *s, const tlsrpt_listing_t *listing)
{
    size_t   i;
    json_t  *signer;

    if (listing->signer.data == NULL) {
        return 0;
    }

    json_array_foreach(s->signers, i, signer) {
        if (is_name(signer, listing->signer)) {
            return 0;
        }
    }

    return i == MAX_SIGNERS
           ? 0 : json_array_append_new(s->signers,
                                       tlsrpt_str_json(listing->signer));
}


static int
gather_deviation(sender_t *s, const json_t *deviation)
{
    size_t   i;
    json_t  *d, *path = json_array_get(deviation, 1);
    json_t  *message = json_array_get(deviation, 2);

    json_array_foreach(s->deviations, i, d) {
        if (json_equal(json_object_get(d, "path"), path)
            && json_equal(json_object_get(d, "message"), message))
        {
            json_t  *n = json_object_get(d, "reports");

            return json_integer_set(n, json_integer_value(n) + 1);
        }
    }

    if (i == MAX_DEVIATIONS || path == NULL || message == NULL) {
        return 0;
    }

    return json_array_append_new(s->deviations,
                                 json_pack("{s:O, s:O, s:O, s:i}",
                                           "path", path, "message", message,
                                           "section",
                                           json_array_get(deviation, 0),
                                           "reports", 1));
}


static int
gather_deviations(sender_t *s, const tlsrpt_listing_t *listing)
{
    int      rc = 0;
    size_t   i;
    json_t  *deviation, *deviations;

    if (listing->nwarnings == 0) {
        return 0;
    }

    deviations = tlsrpt_listing_deviations(listing);

    if (deviations == NULL) {
        return -1;
    }

    json_array_foreach(deviations, i, deviation) {
        if (rc == 0) {
            rc = gather_deviation(s, deviation);
        }
    }

    json_decref(deviations);

    return rc;
}


static int
gather(tlsrpt_senders_t *senders, const tlsrpt_listing_t *listing, int32_t day)
{
    int        failed = 0;
    int64_t    delay = listing->received - listing->end;
    sender_t  *s = sender_of(senders, listing, day, &failed);

    if (s == NULL) {
        return failed;
    }

    s->first = day < s->first ? day : s->first;
    s->last = day > s->last ? day : s->last;
    s->via |= 1u << listing->via;
    s->longest = s->reports == 0 || delay > s->longest ? delay : s->longest;
    s->reports++;

    if (s->ndelays < MAX_DELAYS) {
        s->delays[s->ndelays++] = delay;
    }

    if (gather_deviations(s, listing) != 0 || gather_signer(s, listing) != 0) {
        return -1;
    }

    return tlsrpt_day_list_add(&senders->list, listing);
}


static int
gather_entry(tlsrpt_senders_t *senders, const tlsrpt_kept_head_t *head,
    int32_t day)
{
    int               rc;
    tlsrpt_listing_t  listing;

    rc = tlsrpt_listing_read(senders->listings, &listing, day, head);

    if (rc == 1) {
        rc = gather(senders, &listing, day);
    }

    tlsrpt_listing_free(&listing);

    return rc;
}


/* What is in conflict is known when the day is over. */

static int
gather_conflicts(tlsrpt_senders_t *senders, int32_t day)
{
    int                 failed = 0;
    sender_t           *s;
    tlsrpt_day_list_t  *list = &senders->list;

    failed = tlsrpt_day_list_sort(list);

    for (size_t i = 0; !failed && i < list->n; i++) {
        s = sender_of(senders, &list->listings[i], day, &failed);

        if (s != NULL) {
            failed = tlsrpt_conflicts_append(s->conflicts, MAX_CONFLICTS, list,
                                             &list->listings[i]);
        }
    }

    tlsrpt_day_list_free(list);

    return failed;
}


static int
senders_add(tlsrpt_lookup_t *lookup, size_t n, const tlsrpt_reply_t *reply)
{
    tlsrpt_senders_t  *senders = (tlsrpt_senders_t *) lookup;
    int                 rc = 0, is_last;
    size_t              reports;
    int32_t             day;
    tlsrpt_kept_head_t  head;

    reports = tlsrpt_listing_scan_add(&senders->scan, n, reply, &day,
                                      &is_last);

    for (size_t i = 0; rc >= 0 && i < reports; i++) {
        if (tlsrpt_list_pages_head(&head, day, reply, i, 0) == 0) {
            rc = gather_entry(senders, &head, day);
        }
    }

    if (rc >= 0 && is_last) {
        rc = gather_conflicts(senders, day);
    }

    return rc >= 0 ? TLSRPT_OK : TLSRPT_ERR_MEMORY;
}


/*
 * Telling
 */

static int
most_first(const void *one, const void *two)
{
    const sender_t  *a = one, *b = two;

    if (a->reports != b->reports) {
        return a->reports > b->reports ? -1 : 1;
    }

    return json_is_string(a->name) && json_is_string(b->name)
           ? strcmp(json_string_value(a->name), json_string_value(b->name))
           : json_is_string(a->name) - json_is_string(b->name);
}


static int
shortest_first(const void *one, const void *two)
{
    const int64_t  *a = one, *b = two;

    return (*a > *b) - (*a < *b);
}


static json_t *
via_json(unsigned via)
{
    const unsigned  https = 1u << TLSRPT_VIA_HTTPS;
    const unsigned  mail = 1u << TLSRPT_VIA_MAIL;

    return via == (https | mail) ? json_pack("[s, s]", "https", "mail")
           : json_pack("[s]", via == mail ? "mail" : "https");
}


static json_t *
sender_json(sender_t *s)
{
    char     first[TLSRPT_DAY_TEXT_LEN + 1], last[TLSRPT_DAY_TEXT_LEN + 1];
    json_t  *json;

    tlsrpt_day_text(s->first, first);
    tlsrpt_day_text(s->last, last);
    qsort(s->delays, s->ndelays, sizeof(*s->delays), shortest_first);

    json = json_pack("{s:O, s:I, s:s, s:s, s:I, s:I, s:o, s:O, s:O}",
                     "organization-name", s->name,
                     "reports", (json_int_t) s->reports,
                     "first-report", first, "last-report", last,
                     "median-delay-seconds",
                     (json_int_t) s->delays[s->ndelays / 2],
                     "max-delay-seconds", (json_int_t) s->longest,
                     "via", via_json(s->via), "signed-by", s->signers,
                     "deviations", s->deviations);

    if (json != NULL && json_array_size(s->conflicts)
        && json_object_set(json, "conflicting-reports", s->conflicts) != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


static json_t *
senders_json(tlsrpt_lookup_t *lookup)
{
    tlsrpt_senders_t  *senders = (tlsrpt_senders_t *) lookup;

    char     from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];
    json_t  *array = json_array();

    qsort(senders->senders, senders->nsenders, sizeof(sender_t), most_first);

    for (size_t i = 0; array && i < senders->nsenders; i++) {
        if (json_array_append_new(array, sender_json(&senders->senders[i]))
            != 0)
        {
            json_decref(array);
            array = NULL;
        }
    }

    tlsrpt_day_text(senders->from, from);
    tlsrpt_day_text(senders->to, to);

    return json_pack("{s:s%, s:s, s:s, s:o}",
                     "domain", senders->scan.days.domain.data,
                     senders->scan.days.domain.len, "from", from, "to", to,
                     "senders", array);
}


static int
senders_csv(tlsrpt_lookup_t *lookup, int at_end, tlsrpt_buf_t *out)
{
    static const char *const  names[] = {
        "organization-name", "reports", "first-report", "last-report",
        "median-delay-seconds", "max-delay-seconds", "via", "signed-by",
        "deviations", "conflicting-reports"
    };
    const size_t              n = sizeof(names) / sizeof(names[0]);
    tlsrpt_senders_t         *senders = (tlsrpt_senders_t *) lookup;

    if (!at_end) {
        return 0;
    }

    qsort(senders->senders, senders->nsenders, sizeof(sender_t), most_first);
    tlsrpt_csv_head(out, names, n);

    for (size_t i = 0; i < senders->nsenders; i++) {
        json_t  *json = sender_json(&senders->senders[i]);

        if (json == NULL) {
            return -1;
        }

        tlsrpt_csv_line(out, names, n, json);
        json_decref(json);
    }

    return out->failed ? -1 : 0;
}


static const tlsrpt_lookup_type_t  senders_type = {
    senders_next, senders_add, senders_seen,
    senders_json, senders_csv, senders_destroy
};


tlsrpt_lookup_t *
tlsrpt_senders_create(const tlsrpt_query_t *query, tlsrpt_str_t domain,
    tlsrpt_str_t prefix)
{
    tlsrpt_senders_t  *senders = calloc(1, sizeof(*senders));

    if (senders == NULL) {
        return NULL;
    }

    senders->lookup.type = &senders_type;

    senders->from = query->from;
    senders->to = query->to;

    senders->listings = tlsrpt_listings_create(domain);

    if (tlsrpt_listing_scan_init(&senders->scan, query, domain, prefix) != 0
        || senders->listings == NULL)
    {
        senders_destroy(&senders->lookup);
        return NULL;
    }

    return &senders->lookup;
}
