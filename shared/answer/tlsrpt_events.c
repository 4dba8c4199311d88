/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_events.h"
#include "tlsrpt_strike.h"
#include "tlsrpt_time.h"


#define PIECE   32                          /* entries of a list */
#define MAX_ID  64

/* Where an event stands among all. */
typedef struct {
    char          time[TLSRPT_TIME_TEXT_LEN + 1];
    tlsrpt_str_t  domain;
    tlsrpt_str_t  id;
} place_t;

typedef struct {
    place_t   place;                        /* borrowed from json */
    json_t   *json;
} event_t;

struct tlsrpt_events {
    size_t              limit;
    int                 actors;
    tlsrpt_str_t        owner;              /* len 0: it is for none */
    char               *cursor;             /* NULL: the first page */
    place_t             after;              /* of the cursor */
    tlsrpt_key_read_t   read;
    size_t              nwritten;
    size_t              n;
    event_t             list[];             /* in order; one more than the page
                                               tells that another follows */
};


tlsrpt_events_t *
tlsrpt_events_create(size_t limit, int actors)
{
    tlsrpt_events_t  *events;

    events = calloc(1, sizeof(*events) + (limit + 1) * sizeof(event_t));

    if (events != NULL) {
        events->limit = limit;
        events->actors = actors;
    }

    return events;
}


void
tlsrpt_events_destroy(tlsrpt_events_t *events)
{
    if (events == NULL) {
        return;
    }

    for (size_t i = 0; i < events->n; i++) {
        json_decref(events->list[i].json);
    }

    free(events->cursor);
    free(events);
}


void
tlsrpt_events_of(tlsrpt_events_t *events, tlsrpt_str_t owner)
{
    events->owner = owner;
}


/*
 * The order
 */

/* Only times that are written in this one way are ordered as texts. */

static int
take_time(char time[TLSRPT_TIME_TEXT_LEN + 1], tlsrpt_str_t text)
{
    int64_t   seconds;
    unsigned  deviations = 0;

    if (text.len != TLSRPT_TIME_TEXT_LEN
        || tlsrpt_time_parse(text.data, text.len, &seconds, &deviations) != 0)
    {
        return -1;
    }

    tlsrpt_time_text(seconds, time);

    return memcmp(time, text.data, text.len) == 0 ? 0 : -1;
}


static int
order_text(tlsrpt_str_t a, tlsrpt_str_t b)
{
    int  order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}


static int
order(const place_t *a, const place_t *b)
{
    int  rc = strcmp(b->time, a->time);     /* newest first */

    if (rc == 0) {
        rc = order_text(a->domain, b->domain);
    }

    return rc ? rc : order_text(a->id, b->id);
}


/* "TIME,DOMAIN,ID", as next_json() makes it. */

int
tlsrpt_events_after(tlsrpt_events_t *events, tlsrpt_str_t cursor)
{
    char          *domain, *id, name[TLSRPT_DOMAIN_LEN + 1];
    place_t       *after = &events->after;
    tlsrpt_str_t   time;

    events->cursor = malloc(cursor.len + 1);

    if (events->cursor == NULL) {
        return -1;
    }

    memcpy(events->cursor, cursor.data, cursor.len);
    events->cursor[cursor.len] = '\0';

    domain = strchr(events->cursor, ',');
    id = domain ? strchr(domain + 1, ',') : NULL;

    if (id == NULL) {
        return -1;
    }

    time = (tlsrpt_str_t) { events->cursor,
                            (size_t) (domain - events->cursor) };
    after->domain = (tlsrpt_str_t) { domain + 1, (size_t) (id - domain - 1) };
    after->id = (tlsrpt_str_t) { id + 1, strlen(id + 1) };

    return take_time(after->time, time) == 0
           && tlsrpt_domain_normalize(after->domain.data, after->domain.len,
                                      name) != 0
           && after->id.len > 0 && after->id.len <= MAX_ID ? 0 : -1;
}


/*
 * Reading
 */

const tlsrpt_command_t *
tlsrpt_events_ask(tlsrpt_events_t *events, tlsrpt_str_t prefix,
    const tlsrpt_events_part_t *part)
{
    tlsrpt_str_t  domain = { part->name, part->len };

    tlsrpt_key_domain(&events->read.key, prefix, domain,
                      part->list ? ":acts" : ":events");

    return tlsrpt_key_range(&events->read, "LRANGE", (long long) part->offset,
                            (long long) part->offset + PIECE - 1);
}


static tlsrpt_str_t
member(const json_t *event, const char *name)
{
    const json_t  *value = json_object_get(event, name);

    return (tlsrpt_str_t) { json_string_value(value),
                            json_string_length(value) };
}


/* Who did it, as an owner is told; NULL: he is not. */

static const char *
actor_of(const tlsrpt_events_t *events, const json_t *entry)
{
    tlsrpt_str_t  actor = member(entry, "actor");

    if (tlsrpt_str_is(actor, TLSRPT_ACTOR_OPERATOR)) {
        return TLSRPT_ACTOR_OPERATOR;
    }

    return actor.len == events->owner.len + 1 && actor.data[0] == '@'
           && memcmp(actor.data + 1, events->owner.data, events->owner.len) == 0
           ? "you" : NULL;
}


/* Of an owner's enrolment alone, or of the domain? */

static int
is_shown(const tlsrpt_events_t *events, const json_t *entry, int64_t since,
    const place_t *place)
{
    int64_t       time = 0;
    unsigned      deviations;
    tlsrpt_str_t  owner = member(entry, "owner");

    if (owner.data != NULL) {
        return events->actors
               || (events->owner.len && tlsrpt_str_equal(owner, events->owner));
    }

    return since == 0
           || (tlsrpt_time_parse(place->time, TLSRPT_TIME_TEXT_LEN, &time,
                                 &deviations) == 0
               && time >= since);
}


/* Members that an event may have, in the order in which they are shown. */

static json_t *
members_of(const tlsrpt_events_t *events, const json_t *entry)
{
    json_t  *value, *json = json_object();

    static const char *const  names[] = {
        "id", "time", "type", "domain", "title", "problem-id", "actor"
    };

    for (size_t i = 0; json && i < sizeof(names) / sizeof(names[0]); i++) {
        value = json_object_get(entry, names[i]);

        if (json_is_string(value)
            && (events->actors || strcmp(names[i], "actor") != 0)
            && json_object_set(json, names[i], value) != 0)
        {
            json_decref(json);
            return NULL;
        }
    }

    if (json && events->owner.len && actor_of(events, entry) != NULL
        && json_object_set_new(json, "actor",
                               json_string(actor_of(events, entry))) != 0)
    {
        json_decref(json);
        return NULL;
    }

    if (json && json_is_true(json_object_get(entry, "late"))
        && json_object_set_new(json, "late", json_true()) != 0)
    {
        json_decref(json);
        return NULL;
    }

    return json;
}


/* Is it one of this domain? */

static int
take_place(place_t *place, const json_t *entry, tlsrpt_str_t domain)
{
    place->domain = member(entry, "domain");
    place->id = member(entry, "id");

    return place->domain.len != domain.len
           || memcmp(place->domain.data, domain.data, domain.len) != 0
           || place->id.len == 0 || place->id.len > MAX_ID
           || member(entry, "type").len == 0
           || take_time(place->time, member(entry, "time")) != 0 ? -1 : 0;
}


/* Where it belongs in the list; 1: there it is already, or it is not wanted. */

static int
find(const tlsrpt_events_t *events, const place_t *place, size_t *at)
{
    int     rc;
    size_t  low = 0, high = events->n, middle;

    if (events->cursor != NULL && order(place, &events->after) <= 0) {
        return 1;
    }

    while (low < high) {
        middle = (low + high) / 2;
        rc = order(place, &events->list[middle].place);

        if (rc == 0) {
            return 1;
        }

        if (rc < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }

    *at = low;

    return low > events->limit;
}


static int
insert(tlsrpt_events_t *events, const json_t *entry, size_t at)
{
    event_t  event, *list = events->list;

    event.json = members_of(events, entry);

    if (event.json == NULL) {
        return -1;
    }

    (void) take_time(event.place.time, member(event.json, "time"));
    event.place.domain = member(event.json, "domain");
    event.place.id = member(event.json, "id");

    if (events->n > events->limit) {
        json_decref(list[--events->n].json);
    }

    memmove(&list[at + 1], &list[at], (events->n - at) * sizeof(event_t));
    list[at] = event;
    events->n++;

    return 0;
}


/* *time: of the entry, if it is one. */

static int
add_entry(tlsrpt_events_t *events, const tlsrpt_reply_t *reply,
    tlsrpt_str_t domain, int64_t since, char time[TLSRPT_TIME_TEXT_LEN + 1])
{
    int           rc = 0;
    size_t        at;
    json_t       *entry;
    place_t       place;
    json_error_t  error;

    if (reply->type != TLSRPT_REPLY_STRING) {
        return 0;
    }

    entry = json_loadb(reply->str, reply->len, 0, &error);

    if (entry == NULL && json_error_code(&error) == json_error_out_of_memory) {
        return -1;
    }

    if (take_place(&place, entry, domain) == 0) {
        memcpy(time, place.time, sizeof(place.time));

        if (is_shown(events, entry, since, &place)
            && !find(events, &place, &at))
        {
            rc = insert(events, entry, at);
        }
    }

    json_decref(entry);

    return rc;
}


int
tlsrpt_events_add(tlsrpt_events_t *events, tlsrpt_events_part_t *part,
    const tlsrpt_reply_t *reply)
{
    char          time[TLSRPT_TIME_TEXT_LEN + 1] = "";
    int64_t       seconds;
    unsigned      deviations = 0;
    tlsrpt_str_t  domain = { part->name, part->len };

    for (size_t i = 0; i < reply->nelements; i++) {
        if (add_entry(events, reply->elements[i], domain, part->since,
                      time) != 0) {
            return -1;
        }
    }

    part->offset += PIECE;

    if (reply->nelements < PIECE) {
        return 0;
    }

    return tlsrpt_time_parse(time, strlen(time), &seconds, &deviations) != 0
           || tlsrpt_events_wants(events, seconds);
}


int
tlsrpt_events_wants(const tlsrpt_events_t *events, int64_t time)
{
    char  text[TLSRPT_TIME_TEXT_LEN + 1];

    if (events->n <= events->limit) {
        return 1;
    }

    tlsrpt_time_text(time + TLSRPT_EVENTS_SKEW, text);

    return strcmp(text, events->list[events->limit].place.time) >= 0;
}


/*
 * Answering
 */

static json_t *
next_json(const tlsrpt_events_t *events)
{
    const place_t  *last;

    if (events->n <= events->limit) {
        return json_null();
    }

    last = &events->list[events->limit - 1].place;

    return json_sprintf("%s,%.*s,%.*s", last->time, (int) last->domain.len,
                        last->domain.data, (int) last->id.len, last->id.data);
}


static int
add_to_buf(const char *text, size_t len, void *data)
{
    tlsrpt_buf_t  *out = data;

    tlsrpt_buf_add(out, text, len);

    return out->failed ? -1 : 0;
}


/* json NULL: no memory. */

static void
add_json(tlsrpt_buf_t *out, const char *before, const json_t *json)
{
    tlsrpt_buf_add(out, before, strlen(before));

    if (json_dump_callback(json, add_to_buf, out,
                           JSON_COMPACT | JSON_ENCODE_ANY) != 0)
    {
        out->failed = 1;
    }
}


static void
write_begin(tlsrpt_str_t domain, tlsrpt_buf_t *out)
{
    json_t  *name;

    if (domain.len == 0) {
        tlsrpt_buf_add(out, "{", 1);
        return;
    }

    name = json_stringn(domain.data, domain.len);
    add_json(out, "{\"domain\":", name);
    tlsrpt_buf_add(out, ",", 1);
    json_decref(name);
}


int
tlsrpt_events_write(tlsrpt_events_t *events, tlsrpt_str_t domain,
    tlsrpt_buf_t *out)
{
    json_t  *next;
    size_t   n = events->n < events->limit ? events->n : events->limit;

    if (events->nwritten == 0) {
        write_begin(domain, out);
        tlsrpt_buf_add(out, "\"events\":[", 10);
    }

    for (size_t i = 0; i < PIECE && events->nwritten < n; i++) {
        add_json(out, events->nwritten ? "," : "",
                 events->list[events->nwritten].json);
        events->nwritten++;
    }

    if (events->nwritten < n) {
        return out->failed ? -1 : 1;
    }

    next = next_json(events);
    add_json(out, "],\"next\":", next);
    tlsrpt_buf_add(out, "}", 1);
    json_decref(next);

    return out->failed ? -1 : 0;
}
