/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_conflicts.h"


/*
 * A day's list
 */

static int
newest_first(const void *one, const void *two)
{
    const tlsrpt_listing_t  *a = one, *b = two;

    if (a->received != b->received) {
        return a->received > b->received ? -1 : 1;
    }

    return strcmp(a->id, b->id);
}


static int
compare_str(tlsrpt_str_t a, tlsrpt_str_t b)
{
    int  rc;

    if (a.data == NULL || b.data == NULL) {
        return (a.data != NULL) - (b.data != NULL);
    }

    rc = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return rc ? rc : (a.len > b.len) - (a.len < b.len);
}


/* By what reports in conflict share. */

static int
compare_names(const tlsrpt_listing_t *a, const tlsrpt_listing_t *b)
{
    int  rc = compare_str(a->report_id, b->report_id);

    return rc ? rc : compare_str(a->organization_name, b->organization_name);
}


static int
compare_sorted(const void *one, const void *two)
{
    const tlsrpt_listing_t  *a = *(const tlsrpt_listing_t *const *) one;
    const tlsrpt_listing_t  *b = *(const tlsrpt_listing_t *const *) two;

    int  rc = compare_names(a, b);

    return rc ? rc : newest_first(a, b);
}


int
tlsrpt_day_list_read(tlsrpt_day_list_t *list, int32_t day,
    const tlsrpt_reply_t *reply)
{
    size_t  most = reply->nelements / 2 + 1;

    list->n = 0;
    list->listings = calloc(most, sizeof(*list->listings));
    list->sorted = calloc(most, sizeof(*list->sorted));

    if (list->listings == NULL || list->sorted == NULL) {
        return -1;
    }

    for (size_t i = 0; i + 1 < reply->nelements; i += 2) {
        if (tlsrpt_listing_decode(&list->listings[list->n], day,
                                  reply->elements[i], reply->elements[i + 1])
            == 0)
        {
            list->n++;
        }
    }

    qsort(list->listings, list->n, sizeof(*list->listings), newest_first);

    for (size_t i = 0; i < list->n; i++) {
        list->sorted[i] = &list->listings[i];
    }

    qsort(list->sorted, list->n, sizeof(*list->sorted), compare_sorted);

    return 0;
}


void
tlsrpt_day_list_free(tlsrpt_day_list_t *list)
{
    for (size_t i = 0; i < list->n; i++) {
        tlsrpt_listing_free(&list->listings[i]);
    }

    free(list->listings);
    free(list->sorted);
}


/*
 * Conflicts
 */

/* The first in the order of names that shares them. */

static size_t
first_of(const tlsrpt_day_list_t *list, const tlsrpt_listing_t *listing)
{
    size_t  low = 0, high = list->n;

    while (low < high) {
        size_t  middle = low + (high - low) / 2;

        if (compare_names(list->sorted[middle], listing) < 0) {
            low = middle + 1;

        } else {
            high = middle;
        }
    }

    return low;
}


size_t
tlsrpt_conflicts_of(const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing,
    const tlsrpt_listing_t *others[TLSRPT_CONFLICTS_NAMED])
{
    size_t  n = 0;

    if (listing->report_id.data == NULL) {
        return 0;
    }

    for (size_t i = first_of(list, listing);
         i < list->n && n < TLSRPT_CONFLICTS_NAMED
         && compare_names(list->sorted[i], listing) == 0; i++)
    {
        if (strcmp(list->sorted[i]->id, listing->id) != 0) {
            others[n++] = list->sorted[i];
        }
    }

    return n;
}


int
tlsrpt_conflicts_set(json_t *json, const tlsrpt_day_list_t *list,
    const tlsrpt_listing_t *listing)
{
    int                      rc = 0;
    size_t                   n;
    json_t                  *array;
    const tlsrpt_listing_t  *others[TLSRPT_CONFLICTS_NAMED];

    n = tlsrpt_conflicts_of(list, listing, others);

    if (n == 0) {
        return 0;
    }

    array = json_array();

    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = json_array_append_new(array,
                 json_pack("{s:s, s:s, s:o}", "id", others[i]->id,
                           "via", tlsrpt_listing_via(others[i]),
                           "signed-by", tlsrpt_str_json(others[i]->signer)));
    }

    if (rc != 0) {
        json_decref(array);
        return -1;
    }

    return json_object_set_new(json, "conflicts-with", array);
}


int
tlsrpt_conflicts_append(json_t *array, size_t max,
    const tlsrpt_day_list_t *list, const tlsrpt_listing_t *listing)
{
    char                     received[TLSRPT_TIME_TEXT_LEN + 1];
    json_t                  *json;
    const tlsrpt_listing_t  *others[TLSRPT_CONFLICTS_NAMED];

    if (json_array_size(array) >= max
        || tlsrpt_conflicts_of(list, listing, others) == 0)
    {
        return 0;
    }

    tlsrpt_time_text(listing->received, received);

    json = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "id", listing->id,
                     "organization-name",
                     tlsrpt_str_json(listing->organization_name),
                     "report-id", tlsrpt_str_json(listing->report_id),
                     "received", received, "via", tlsrpt_listing_via(listing),
                     "signed-by", tlsrpt_str_json(listing->signer));

    if (json == NULL || tlsrpt_conflicts_set(json, list, listing) != 0) {
        json_decref(json);
        return -1;
    }

    return json_array_append_new(array, json);
}


/*
 * Those of a range
 */

int
tlsrpt_conflict_days_init(tlsrpt_conflict_days_t *days, size_t ndays)
{
    memset(days, 0, sizeof(*days));
    days->days = calloc(ndays, 1);
    days->reports = json_array();
    days->ndays = ndays;
    days->next = ndays;

    return days->days != NULL && days->reports != NULL ? 0 : -1;
}


void
tlsrpt_conflict_days_free(tlsrpt_conflict_days_t *days)
{
    free(days->days);
    json_decref(days->reports);
}


void
tlsrpt_conflict_days_note(tlsrpt_conflict_days_t *days, size_t n)
{
    days->days[n] = 1;
}


/* The newest day first. */

const tlsrpt_command_t *
tlsrpt_conflict_days_next(tlsrpt_conflict_days_t *days, tlsrpt_day_scan_t *scan,
    size_t *day)
{
    while (days->next > 0) {
        days->next--;

        if (days->days[days->next]
            && scan->days[days->next].reports <= TLSRPT_CONFLICTS_LIST
            && json_array_size(days->reports) < TLSRPT_CONFLICTS_LISTED)
        {
            *day = days->next;
            tlsrpt_key_day(&scan->read.key, scan->prefix, scan->domain,
                           scan->from + (int32_t) *day, ":reports");

            return tlsrpt_key_read(&scan->read, "HGETALL", NULL, 0);
        }
    }

    return NULL;
}


int
tlsrpt_conflict_days_add(tlsrpt_conflict_days_t *days, int32_t day,
    const tlsrpt_reply_t *reply)
{
    int                rc;
    tlsrpt_day_list_t  list;

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return 0;
    }

    rc = tlsrpt_day_list_read(&list, day, reply);

    for (size_t i = 0; rc == 0 && i < list.n; i++) {
        rc = tlsrpt_conflicts_append(days->reports, TLSRPT_CONFLICTS_LISTED,
                                     &list, &list.listings[i]);
    }

    tlsrpt_day_list_free(&list);

    return rc;
}
