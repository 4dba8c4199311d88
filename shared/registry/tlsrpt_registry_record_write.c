/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "tlsrpt_registry_record.h"
#include "tlsrpt_time.h"


static int
put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}


/* Not tlsrpt_str_json(): nothing may stand for it where memory is short. */

static json_t *
text_json(tlsrpt_str_t text)
{
    return json_stringn(text.data, text.len);
}


static int
put_text(json_t *object, const char *name, tlsrpt_str_t text)
{
    return text.data == NULL ? 0 : put(object, name, text_json(text));
}


static int
put_time(json_t *object, const char *name, int64_t time)
{
    return time == 0 ? 0 : put(object, name, json_integer(time));
}


static int
put_list(json_t *object, const char *name, const tlsrpt_str_t *texts, size_t n)
{
    json_t  *list;

    if (n == 0) {
        return 0;
    }

    list = json_array();

    for (size_t i = 0; i < n; i++) {
        if (json_array_append_new(list, text_json(texts[i])) != 0) {
            json_decref(list);
            return -1;
        }
    }

    return put(object, name, list);
}


static int
put_policy(json_t *object, const tlsrpt_enrolment_t *e)
{
    return e->mode == -1 ? 0
           : put(object, "mode", json_string(mta_sts_mode_name(e->mode)))
             || put(object, "max-age", json_integer(e->max_age))
             || put_list(object, "mx", e->mx, e->nmx);
}


static int
put_same_as(json_t *object, const tlsrpt_enrolment_t *e)
{
    if (e->same_as.data == NULL) {
        return 0;
    }

    return put(object, "same-as", text_json(e->same_as))
           || (!tlsrpt_str_equal(e->same_owner, e->owner)
               && put(object, "same-owner", e->same_owner.data
                                            ? text_json(e->same_owner)
                                            : json_null()));
}


static json_t *
former_json(const tlsrpt_enrolment_t *e)
{
    json_t  *object = json_object();

    if (put_text(object, "owner", e->owner)
        || put_policy(object, e)
        || put_time(object, "served", e->served)
        || put_time(object, "held", e->held))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
enrolment_json(const tlsrpt_enrolment_t *e)
{
    json_t      *object = json_object();
    const char  *state = tlsrpt_enrolment_state_name(e->state);

    if (put_text(object, "owner", e->owner)
        || (e->state != TLSRPT_PENDING
            && put(object, "state", json_string(state)))
        || put_text(object, "token", e->token)
        || put_text(object, "value", e->value)
        || put_time(object, "since", e->since)
        || put_policy(object, e)
        || put_same_as(object, e)
        || put_list(object, "contact", e->contact, e->ncontact)
        || put_time(object, "proved", e->proved)
        || put_time(object, "unproved", e->unproved)
        || (e->told && put(object, "told", json_true()))
        || put_time(object, "served", e->served)
        || put_time(object, "held", e->held)
        || put_time(object, "ends", e->ends))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
pending_json(const tlsrpt_registry_record_t *record)
{
    json_t  *list = json_array();

    for (size_t i = 0; i < record->npending; i++) {
        if (json_array_append_new(list, enrolment_json(record->pending[i]))
            != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static json_t *
passing_json(const tlsrpt_registry_record_t *record)
{
    json_t  *object = json_object();

    if (put_text(object, "owner", record->passing_owner)
        || put_time(object, "since", record->passing))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


static json_t *
record_json(const tlsrpt_registry_record_t *record)
{
    json_t  *object = json_pack("{s:i}", "v", TLSRPT_RECORD_FORMAT);

    if ((record->holder
         && put(object, "holder", enrolment_json(record->holder)))
        || (record->former
            && put(object, "former", former_json(record->former)))
        || (record->npending && put(object, "pending", pending_json(record)))
        || (record->passing && put(object, "passing", passing_json(record)))
        || put_time(object, "left", record->left)
        || put_text(object, "owner", record->left_owner))
    {
        json_decref(object);
        return NULL;
    }

    return object;
}


static int
append(const char *text, size_t len, void *out)
{
    tlsrpt_buf_add(out, text, len);

    return 0;
}


int
tlsrpt_registry_record_write(const tlsrpt_registry_record_t *record,
    tlsrpt_buf_t *out)
{
    json_t  *json = record_json(record);
    int      rc = json ? json_dump_callback(json, append, out, JSON_COMPACT)
                       : -1;

    json_decref(json);

    return rc == 0 && !out->failed ? 0 : -1;
}
