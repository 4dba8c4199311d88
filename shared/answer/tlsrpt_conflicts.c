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

    return rc ? rc : (a->index < b->index) - (a->index > b->index);
}


int
tlsrpt_day_list_add(tlsrpt_day_list_t *list, const tlsrpt_listing_t *listing)
{
    size_t             size = list->size ? 2 * list->size : 16;
    tlsrpt_listing_t  *grown;

    if (!listing->conflicts || list->n == TLSRPT_CONFLICTS_LIST) {
        return 0;
    }

    if (list->n == list->size) {
        grown = realloc(list->listings, size * sizeof(*grown));

        if (grown == NULL) {
            return -1;
        }

        list->listings = grown;
        list->size = size;
    }

    return tlsrpt_listing_keep(&list->listings[list->n++], listing);
}


int
tlsrpt_day_list_sort(tlsrpt_day_list_t *list)
{
    list->sorted = calloc(list->n + 1, sizeof(*list->sorted));

    if (list->sorted == NULL) {
        return -1;
    }

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
    memset(list, 0, sizeof(*list));
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
        if (list->sorted[i]->index != listing->index) {
            others[n++] = list->sorted[i];
        }
    }

    return n;
}


int
tlsrpt_conflicts_set(json_t *json, const tlsrpt_listing_t *const *others,
    size_t n)
{
    int      rc = 0;
    json_t  *array;

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
    size_t                   n;
    json_t                  *json;
    const tlsrpt_listing_t  *others[TLSRPT_CONFLICTS_NAMED];

    n = tlsrpt_conflicts_of(list, listing, others);

    if (n == 0 || json_array_size(array) >= max) {
        return 0;
    }

    tlsrpt_time_text(listing->received, received);

    json = json_pack("{s:s, s:o, s:o, s:s, s:s, s:o}", "id", listing->id,
                     "organization-name",
                     tlsrpt_str_json(listing->organization_name),
                     "report-id", tlsrpt_str_json(listing->report_id),
                     "received", received, "via", tlsrpt_listing_via(listing),
                     "signed-by", tlsrpt_str_json(listing->signer));

    if (json == NULL || tlsrpt_conflicts_set(json, others, n) != 0) {
        json_decref(json);
        return -1;
    }

    return json_array_append_new(array, json);
}


/*
 * Those of one report
 */

void
tlsrpt_namesakes_init(tlsrpt_namesakes_t *others,
    const tlsrpt_listing_t *listing, int32_t day)
{
    memset(others, 0, sizeof(*others));
    others->of = listing;
    others->day = day;
    others->name_len = tlsrpt_kept_name(others->name,
                                        listing->organization_name,
                                        listing->report_id);
    others->is_asked = !listing->conflicts || others->name_len == 0;
}


void
tlsrpt_namesakes_free(tlsrpt_namesakes_t *others)
{
    for (size_t i = 0; i < others->n; i++) {
        tlsrpt_listing_free(&others->kept[i]);
    }

    others->n = 0;
}


int
tlsrpt_namesakes_is_over(const tlsrpt_namesakes_t *others)
{
    return others->is_asked && others->next == others->nindexes;
}


const tlsrpt_command_t *
tlsrpt_namesakes_next(tlsrpt_namesakes_t *others, tlsrpt_key_read_t *read,
    tlsrpt_str_t prefix, tlsrpt_str_t domain)
{
    size_t  index;

    tlsrpt_key_day(&read->key, prefix, domain, others->day, ":kept");

    if (!others->is_asked) {
        tlsrpt_key_ask(read, "LPOS");
        tlsrpt_key_ask_for(read, others->name, others->name_len);
        tlsrpt_key_ask_for(read, "RANK", 4);
        tlsrpt_key_ask_number(read, -1);
        tlsrpt_key_ask_for(read, "COUNT", 5);
        tlsrpt_key_ask_number(read, TLSRPT_CONFLICTS_NAMED + 1);
        tlsrpt_key_ask_for(read, "MAXLEN", 6);
        tlsrpt_key_ask_number(read, 2 * TLSRPT_CONFLICTS_LIST);

        return &read->command;
    }

    if (tlsrpt_namesakes_is_over(others)) {
        return NULL;
    }

    index = others->indexes[others->next];

    return tlsrpt_key_range(read, "LRANGE", 2 * (long long) index,
                            2 * (long long) index + 1);
}


/* Their places in the list: each report is a name and an entry. */

static void
note_indexes(tlsrpt_namesakes_t *others, const tlsrpt_reply_t *reply)
{
    others->is_asked = 1;

    for (size_t i = 0; reply->type == TLSRPT_REPLY_ARRAY && i < reply->nelements
                       && others->nindexes < TLSRPT_CONFLICTS_NAMED; i++)
    {
        const tlsrpt_reply_t  *at = reply->elements[i];

        if (at->type == TLSRPT_REPLY_INTEGER && at->integer >= 0
            && at->integer % 2 == 0
            && at->integer / 2 != (long long) others->of->index)
        {
            others->indexes[others->nindexes++] = (size_t) at->integer / 2;
        }
    }
}


static int
note_other(tlsrpt_namesakes_t *others, tlsrpt_listings_t *listings,
    const tlsrpt_reply_t *reply)
{
    int                 rc;
    tlsrpt_listing_t    listing;
    tlsrpt_kept_head_t  head;

    others->next++;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2
        || tlsrpt_kept_decode(&head, others->day, reply->elements[1]) != 0
        || head.is_struck)
    {
        return 0;
    }

    rc = tlsrpt_listing_read(listings, &listing, others->day, &head);

    if (rc == 1 && compare_names(&listing, others->of) == 0) {
        rc = tlsrpt_listing_keep(&others->kept[others->n], &listing);
        others->named[others->n] = &others->kept[others->n];
        others->n++;
    }

    tlsrpt_listing_free(&listing);

    return rc < 0 ? -1 : 0;
}


int
tlsrpt_namesakes_add(tlsrpt_namesakes_t *others, tlsrpt_listings_t *listings,
    const tlsrpt_reply_t *reply)
{
    if (!others->is_asked) {
        note_indexes(others, reply);
        return 0;
    }

    return note_other(others, listings, reply);
}


/*
 * Those of a range
 */

/* Why a list is to be read. */
#define NOTED   1                           /* for conflicts */
#define WANTED  2                           /* for its reports */


int
tlsrpt_conflict_days_init(tlsrpt_conflict_days_t *days, size_t ndays,
    tlsrpt_str_t domain)
{
    memset(days, 0, sizeof(*days));
    days->days = calloc(ndays, 1);
    days->reports = json_array();
    days->listings = tlsrpt_listings_create(domain);
    days->next = ndays;

    return days->days != NULL && days->reports != NULL
           && days->listings != NULL ? 0 : -1;
}


void
tlsrpt_conflict_days_free(tlsrpt_conflict_days_t *days)
{
    free(days->days);
    json_decref(days->reports);
    tlsrpt_listings_destroy(days->listings);
    tlsrpt_day_list_free(&days->list);
}


void
tlsrpt_conflict_days_note(tlsrpt_conflict_days_t *days, size_t n)
{
    days->days[n] |= NOTED;
}


int
tlsrpt_conflict_days_want(tlsrpt_conflict_days_t *days, size_t n)
{
    int  is_new = !(days->days[n] & WANTED);

    days->days[n] |= WANTED;

    return is_new;
}


/* The newest day first; 0: there is none left. */

static int
next_day(tlsrpt_conflict_days_t *days, const tlsrpt_day_scan_t *scan)
{
    int  is_full = json_array_size(days->reports) >= TLSRPT_CONFLICTS_LISTED;

    while (days->next > 0) {
        days->next--;

        if ((days->days[days->next] & (is_full ? WANTED : NOTED | WANTED))
            && scan->days[days->next].reports <= TLSRPT_CONFLICTS_LIST)
        {
            return 1;
        }
    }

    return 0;
}


const tlsrpt_command_t *
tlsrpt_conflict_days_next(tlsrpt_conflict_days_t *days, tlsrpt_day_scan_t *scan)
{
    if (days->waiting) {
        return NULL;
    }

    if (!days->is_within) {
        if (!next_day(days, scan)) {
            return NULL;
        }

        days->is_within = 1;
        tlsrpt_list_pages_init(&days->pages, SIZE_MAX);
    }

    days->waiting = 1;
    tlsrpt_key_day(&scan->read.key, scan->prefix, scan->domain,
                   scan->from + (int32_t) days->next, ":kept");

    return tlsrpt_list_pages_next(&days->pages, &scan->read,
                                  TLSRPT_LISTING_PAGE);
}


static int
add_listing(tlsrpt_conflict_days_t *days, const tlsrpt_listing_t *listing,
    int is_wanted)
{
    if (is_wanted && days->each != NULL
        && days->each(days->ctx, listing, days->next) != 0)
    {
        return -1;
    }

    return tlsrpt_day_list_add(&days->list, listing);
}


/* Where the reports are not wanted, the text is read of those alone that others
   share a name with. */

static int
add_page(tlsrpt_conflict_days_t *days, int32_t day, const tlsrpt_reply_t *reply,
    size_t n)
{
    int                 rc = 0;
    tlsrpt_listing_t    listing;
    tlsrpt_kept_head_t  head;
    const int           is_wanted = days->days[days->next] & WANTED;

    for (size_t i = 0; rc >= 0 && i < n; i++) {
        if (tlsrpt_list_pages_head(&head, day, reply, i, 0) != 0
            || !(is_wanted || (head.flags & TLSRPT_KEPT_CONFLICTS)))
        {
            continue;
        }

        rc = tlsrpt_listing_read(days->listings, &listing, day, &head);

        if (rc == 1) {
            rc = add_listing(days, &listing, is_wanted);
        }

        tlsrpt_listing_free(&listing);
    }

    return rc < 0 ? -1 : 0;
}


static int
end_day(tlsrpt_conflict_days_t *days)
{
    int  rc = tlsrpt_day_list_sort(&days->list);

    for (size_t i = 0; rc == 0 && i < days->list.n; i++) {
        rc = tlsrpt_conflicts_append(days->reports, TLSRPT_CONFLICTS_LISTED,
                                     &days->list, &days->list.listings[i]);
    }

    if (rc == 0 && days->over != NULL) {
        days->over(days->ctx, &days->list, days->next);
    }

    tlsrpt_day_list_free(&days->list);
    days->is_within = 0;

    return rc;
}


int
tlsrpt_conflict_days_add(tlsrpt_conflict_days_t *days,
    const tlsrpt_day_scan_t *scan, const tlsrpt_reply_t *reply)
{
    size_t  n = tlsrpt_list_pages_add(&days->pages, reply);

    days->waiting = 0;

    if (add_page(days, scan->from + (int32_t) days->next, reply, n) != 0) {
        return -1;
    }

    return days->pages.is_over ? end_day(days) : 0;
}
