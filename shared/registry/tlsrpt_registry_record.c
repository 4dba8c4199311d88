/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include <stdlib.h>
#include <string.h>

#include "tlsrpt_registry_record.h"
#include "tlsrpt_time.h"


/* A record that is read may be a little over what is written, never more. */
#define MAX_TEXT  (2 * TLSRPT_RECORD_SIZE)

/* Longer ones are not read: a broken record must not cost. */
#define MAX_MX    (TLSRPT_DOMAIN_LEN + 2)

enum { FINE = 0, BROKEN, NO_MEMORY };

typedef struct {
    tlsrpt_registry_record_t  *record;
    int                        rc;          /* the first that was not FINE */
} reader_t;


/*
 * Memory
 */

tlsrpt_enrolment_t *
tlsrpt_enrolment_create(void)
{
    tlsrpt_enrolment_t  *e = calloc(1, sizeof(*e));

    if (e != NULL) {
        e->mode = -1;
    }

    return e;
}


void
tlsrpt_registry_record_destroy(tlsrpt_registry_record_t *record)
{
    if (record == NULL) {
        return;
    }

    for (size_t i = 0; i < record->npending; i++) {
        free(record->pending[i]);
    }

    free(record->pending);
    free(record->former);
    free(record->holder);
    tlsrpt_strings_free(&record->strings);
    free(record);
}


int
tlsrpt_registry_record_add(tlsrpt_registry_record_t *record,
    tlsrpt_enrolment_t *e)
{
    tlsrpt_enrolment_t  **list;

    list = realloc(record->pending,
                   (record->npending + 1) * sizeof(*record->pending));

    if (list == NULL) {
        return -1;
    }

    record->pending = list;
    list[record->npending++] = e;

    return 0;
}


tlsrpt_enrolment_t *
tlsrpt_registry_record_take(tlsrpt_registry_record_t *record, size_t i)
{
    tlsrpt_enrolment_t  *e = record->pending[i];

    record->npending--;
    memmove(record->pending + i, record->pending + i + 1,
            (record->npending - i) * sizeof(*record->pending));

    return e;
}


int
tlsrpt_registry_record_copy(tlsrpt_registry_record_t *record,
    tlsrpt_str_t text, tlsrpt_str_t *copy)
{
    return tlsrpt_strings_copy(&record->strings, text.data, text.len, copy);
}


/*
 * Reading
 */

static void
failed(reader_t *r, int rc)
{
    if (r->rc == FINE) {
        r->rc = rc;
    }
}


/* A text of so many bytes at most; not given where it is not there. */

static tlsrpt_str_t
read_text(reader_t *r, const json_t *value, size_t max)
{
    tlsrpt_str_t  text = { NULL, 0 };

    if (value == NULL) {
        return text;
    }

    text.data = json_string_value(value);
    text.len = json_string_length(value);

    if (text.data == NULL || text.len == 0 || text.len > max) {
        failed(r, BROKEN);
        return (tlsrpt_str_t) { NULL, 0 };
    }

    if (tlsrpt_registry_record_copy(r->record, text, &text) != 0) {
        failed(r, NO_MEMORY);
    }

    return text;
}


static int64_t
read_time(reader_t *r, const json_t *object, const char *name)
{
    const json_t  *value = json_object_get(object, name);
    int64_t        time = json_integer_value(value);

    if (value != NULL && (!json_is_integer(value) || time < 0
                          || time >= TLSRPT_TIME_END))
    {
        failed(r, BROKEN);
        return 0;
    }

    return time;
}


static tlsrpt_str_t
read_owner(reader_t *r, const json_t *object)
{
    const json_t  *value = json_object_get(object, "owner");
    tlsrpt_str_t   owner = read_text(r, value, TLSRPT_OWNER_LEN);

    if (owner.data != NULL && !tlsrpt_owner_is_valid(owner)) {
        failed(r, BROKEN);
    }

    return owner;
}


static tlsrpt_str_t
read_token(reader_t *r, const json_t *object, const char *name)
{
    char           token[TLSRPT_TOKEN_LEN + 1];
    tlsrpt_str_t   text;

    text = read_text(r, json_object_get(object, name), TLSRPT_TOKEN_LEN);

    if (text.data == NULL || !tlsrpt_token_read(text, token)) {
        failed(r, BROKEN);
    }

    return text;
}


/* How many. */

static size_t
read_list(reader_t *r, const json_t *list, tlsrpt_str_t *texts, size_t most,
    size_t max_len)
{
    size_t  n = json_array_size(list);

    if ((list != NULL && !json_is_array(list)) || n > most) {
        failed(r, BROKEN);
        return 0;
    }

    for (size_t i = 0; i < n; i++) {
        texts[i] = read_text(r, json_array_get(list, i), max_len);
    }

    return n;
}


static void
read_policy(reader_t *r, const json_t *object, tlsrpt_enrolment_t *e)
{
    const json_t  *mode = json_object_get(object, "mode");
    int64_t        max_age = read_time(r, object, "max-age");

    if (mode == NULL) {
        return;
    }

    if (json_is_string(mode)) {
        e->mode = mta_sts_mode((tlsrpt_str_t) { json_string_value(mode),
                                                json_string_length(mode) });
    }

    if (e->mode == -1 || max_age > MTA_STS_MAX_AGE) {
        failed(r, BROKEN);
        return;
    }

    e->max_age = (uint32_t) max_age;
    e->nmx = read_list(r, json_object_get(object, "mx"), e->mx,
                       MTA_STS_MAX_MX, MAX_MX);
}


/* What it is the same as, and whose that was. */

static void
read_same_as(reader_t *r, const json_t *object, tlsrpt_enrolment_t *e)
{
    const json_t  *owner = json_object_get(object, "same-owner");

    e->same_as = read_text(r, json_object_get(object, "same-as"),
                           TLSRPT_DOMAIN_LEN);

    if (e->same_as.data != NULL && !json_is_null(owner)) {
        e->same_owner = owner ? read_text(r, owner, TLSRPT_OWNER_LEN)
                              : e->owner;
    }
}


static void
read_state(reader_t *r, const json_t *object, tlsrpt_enrolment_t *e)
{
    const json_t  *state = json_object_get(object, "state");
    int            n;

    if (state == NULL) {
        return;
    }

    n = json_is_string(state)
        ? tlsrpt_enrolment_state((tlsrpt_str_t) { json_string_value(state),
                                                  json_string_length(state) })
        : -1;

    if (n == -1) {
        failed(r, BROKEN);
        return;
    }

    e->state = (tlsrpt_enrolment_state_t) n;
}


/* NULL: failed. */

static tlsrpt_enrolment_t *
read_enrolment(reader_t *r, const json_t *object)
{
    tlsrpt_enrolment_t  *e = tlsrpt_enrolment_create();

    if (e == NULL) {
        failed(r, NO_MEMORY);
        return NULL;
    }

    read_state(r, object, e);
    read_policy(r, object, e);
    e->owner = read_owner(r, object);
    e->token = read_token(r, object, "token");
    e->value = read_token(r, object, "value");
    read_same_as(r, object, e);
    e->ncontact = read_list(r, json_object_get(object, "contact"), e->contact,
                            TLSRPT_ENROLMENT_CONTACTS, TLSRPT_CONTACT_LEN);
    e->since = read_time(r, object, "since");
    e->proved = read_time(r, object, "proved");
    e->unproved = read_time(r, object, "unproved");
    e->told = json_is_true(json_object_get(object, "told"));
    e->served = read_time(r, object, "served");
    e->held = read_time(r, object, "held");
    e->ends = read_time(r, object, "ends");

    return e;
}


static void
read_holder(reader_t *r, const json_t *object)
{
    if (object == NULL) {
        return;
    }

    r->record->holder = read_enrolment(r, object);

    if (r->record->holder && r->record->holder->state == TLSRPT_PENDING) {
        failed(r, BROKEN);
    }
}


static void
read_former(reader_t *r, const json_t *object)
{
    tlsrpt_enrolment_t  *e;

    if (object == NULL) {
        return;
    }

    e = tlsrpt_enrolment_create();

    if (e == NULL) {
        failed(r, NO_MEMORY);
        return;
    }

    r->record->former = e;
    e->state = TLSRPT_ACTIVE;
    e->owner = read_owner(r, object);
    read_policy(r, object, e);
    e->served = read_time(r, object, "served");
    e->held = read_time(r, object, "held");
}


static void
read_pending(reader_t *r, const json_t *list)
{
    size_t               n = json_array_size(list);
    tlsrpt_enrolment_t  *e;

    if ((list != NULL && !json_is_array(list)) || n > TLSRPT_RECORD_PENDING) {
        failed(r, BROKEN);
        return;
    }

    for (size_t i = 0; i < n; i++) {
        e = read_enrolment(r, json_array_get(list, i));

        if (e == NULL || e->state != TLSRPT_PENDING) {
            failed(r, BROKEN);
        }

        if (e != NULL && tlsrpt_registry_record_add(r->record, e) != 0) {
            free(e);
            failed(r, NO_MEMORY);
        }

        if (r->rc != FINE) {
            return;
        }
    }
}


static void
read_record(reader_t *r, const json_t *json)
{
    const json_t              *format = json_object_get(json, "v"), *passing;
    tlsrpt_registry_record_t  *record = r->record;

    if (!json_is_integer(format) || json_integer_value(format) < 1) {
        failed(r, BROKEN);
        return;
    }

    if (json_integer_value(format) > TLSRPT_RECORD_FORMAT) {
        record->newer = 1;
        return;
    }

    read_holder(r, json_object_get(json, "holder"));
    read_former(r, json_object_get(json, "former"));
    read_pending(r, json_object_get(json, "pending"));
    record->left = read_time(r, json, "left");
    record->left_owner = read_owner(r, json);

    passing = json_object_get(json, "passing");
    record->passing = read_time(r, passing, "since");
    record->passing_owner = read_owner(r, passing);
}


/* "N ": its length, 0: there is none. */

static size_t
read_version(const char *text, size_t len, uint64_t *version)
{
    size_t  n = 0;

    *version = 0;

    while (n < len && n < 18 && tlsrpt_is_digit(text[n])) {
        *version = *version * 10 + (uint64_t) (text[n++] - '0');
    }

    return n && n < len && text[n] == ' ' && *version ? n + 1 : 0;
}


static void
read_field(reader_t *r, const char *text, size_t len)
{
    size_t         n = read_version(text, len, &r->record->version);
    json_t        *json;
    json_error_t   error;

    if (n == 0 || len > MAX_TEXT) {
        failed(r, BROKEN);
        return;
    }

    json = json_loadb(text + n, len - n, JSON_REJECT_DUPLICATES, &error);

    if (json == NULL) {
        failed(r, json_error_code(&error) == json_error_out_of_memory
                  ? NO_MEMORY : BROKEN);
        return;
    }

    read_record(r, json);
    json_decref(json);
}


tlsrpt_registry_record_t *
tlsrpt_registry_record_read(const char *text, size_t len, int *broken)
{
    reader_t  r = { calloc(1, sizeof(*r.record)), FINE };

    if (r.record == NULL) {
        failed(&r, NO_MEMORY);
    } else if (len) {
        read_field(&r, text, len);
    }

    *broken = r.rc == BROKEN;

    if (r.rc != FINE) {
        tlsrpt_registry_record_destroy(r.record);
        return NULL;
    }

    return r.record;
}


tlsrpt_registry_record_t *
tlsrpt_registry_record_of(const tlsrpt_reply_t *reply, int *broken)
{
    if (reply->type == TLSRPT_REPLY_NIL) {
        return tlsrpt_registry_record_read(NULL, 0, broken);
    }

    if (reply->type != TLSRPT_REPLY_STRING || reply->len == 0) {
        *broken = 1;
        return NULL;
    }

    return tlsrpt_registry_record_read(reply->str, reply->len, broken);
}


/*
 * Looking up
 */

tlsrpt_enrolment_t *
tlsrpt_registry_record_find(const tlsrpt_registry_record_t *record,
    tlsrpt_str_t owner)
{
    if (record->holder && tlsrpt_str_equal(record->holder->owner, owner)) {
        return record->holder;
    }

    for (size_t i = 0; i < record->npending; i++) {
        if (tlsrpt_str_equal(record->pending[i]->owner, owner)) {
            return record->pending[i];
        }
    }

    return NULL;
}


tlsrpt_enrolment_t *
tlsrpt_registry_record_by_token(const tlsrpt_registry_record_t *record,
    tlsrpt_str_t token)
{
    tlsrpt_enrolment_t  *found = NULL;

    if (record->holder && tlsrpt_token_equal(record->holder->token, token)) {
        found = record->holder;
    }

    for (size_t i = 0; i < record->npending; i++) {
        if (tlsrpt_token_equal(record->pending[i]->token, token)) {
            found = record->pending[i];
        }
    }

    return found;
}


int
tlsrpt_registry_record_is_empty(const tlsrpt_registry_record_t *record)
{
    return record->holder == NULL && record->npending == 0;
}
