/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 *     PREFIX:{DOMAIN}:muted  hash  id of a problem -> YYYY-MM-DD
 *
 * It goes with the domain's counts.  Only problems that the domain has, or had,
 * can be muted: so there are no more of them than of those.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_held.h"
#include "ngx_http_tlsrpt_mute.h"
#include "ngx_http_tlsrpt_params.h"


#define NGX_HTTP_TLSRPT_MUTE_MEMBER  "muted-until"


/* What is asked, in this order. */
enum {
    NGX_HTTP_TLSRPT_MUTE_STATE = 0,
    NGX_HTTP_TLSRPT_MUTE_SET,
    NGX_HTTP_TLSRPT_MUTE_EXPIRE,
    NGX_HTTP_TLSRPT_MUTE_DONE
};

typedef struct {
    ngx_http_request_t       *request;
    ngx_http_tlsrpt_admin_t  *admin;
    ngx_str_t                 day;          /* len 0: muted no more */
    tlsrpt_key_read_t         read;
    tlsrpt_command_t         *command;
    ngx_uint_t                step;
    unsigned                  asked:1;
    unsigned                  unknown:1;    /* no such problem */
} ngx_http_tlsrpt_mute_t;


static ngx_int_t ngx_http_tlsrpt_mute_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin);
static const char *ngx_http_tlsrpt_mute_body(ngx_http_request_t *r,
    ngx_http_tlsrpt_mute_t *mute, ngx_uint_t *status);
static const char *ngx_http_tlsrpt_mute_day(ngx_http_tlsrpt_mute_t *mute,
    const json_t *json);
static ngx_int_t ngx_http_tlsrpt_mute_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static tlsrpt_command_t *ngx_http_tlsrpt_mute_command(
    ngx_http_tlsrpt_mute_t *mute);
static ngx_int_t ngx_http_tlsrpt_mute_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_mute_state(ngx_http_tlsrpt_mute_t *mute,
    const tlsrpt_reply_t *reply);
static ngx_uint_t ngx_http_tlsrpt_mute_has(const json_t *json,
    const char *list, const ngx_str_t *id);
static ngx_int_t ngx_http_tlsrpt_mute_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_mute_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_mute_fetch = {
    ngx_http_tlsrpt_mute_next,
    ngx_http_tlsrpt_mute_reply,
    NULL,
    ngx_http_tlsrpt_mute_done,
    ngx_http_tlsrpt_mute_destroy
};


ngx_int_t
ngx_http_tlsrpt_mute(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_held(r, admin, ngx_http_tlsrpt_mute_held);
}


static ngx_int_t
ngx_http_tlsrpt_mute_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_admin_t *admin)
{
    ngx_uint_t               status;
    const char              *text;
    ngx_http_tlsrpt_mute_t  *mute;

    mute = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_mute_t));
    if (mute == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    mute->request = r;
    mute->admin = admin;

    text = ngx_http_tlsrpt_mute_body(r, mute, &status);

    if (text) {
        return ngx_http_tlsrpt_error_at(r, status,
                                        status == 422
                                        ? NGX_HTTP_TLSRPT_MUTE_MEMBER : "",
                                        text);
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_mute_fetch, mute);
}


/* NULL, or what is wrong with it. */

static const char *
ngx_http_tlsrpt_mute_body(ngx_http_request_t *r, ngx_http_tlsrpt_mute_t *mute,
    ngx_uint_t *status)
{
    json_t      *json;
    ngx_str_t    text;
    const char  *wrong;

    *status = NGX_HTTP_BAD_REQUEST;

    if (ngx_http_tlsrpt_body_text(r, &text) != NGX_OK) {
        *status = NGX_HTTP_SERVICE_UNAVAILABLE;
        return "out of memory";
    }

    json = json_loadb((char *) text.data, text.len, JSON_REJECT_DUPLICATES,
                      NULL);

    if (!json_is_object(json)) {
        json_decref(json);
        return "the body is no JSON object";
    }

    *status = 422;
    wrong = ngx_http_tlsrpt_mute_day(mute, json);

    json_decref(json);

    return wrong;
}


static const char *
ngx_http_tlsrpt_mute_day(ngx_http_tlsrpt_mute_t *mute, const json_t *json)
{
    int32_t        day;
    const json_t  *value;

    value = json_object_get(json, NGX_HTTP_TLSRPT_MUTE_MEMBER);

    if (value == NULL || json_object_size(json) != 1) {
        return "this is the one member that there must be";
    }

    if (json_is_null(value)) {
        return NULL;
    }

    if (!json_is_string(value)
        || tlsrpt_day_parse(json_string_value(value),
                            json_string_length(value), &day) != 0)
    {
        return "neither a day, YYYY-MM-DD, nor null";
    }

    mute->day.data = ngx_pnalloc(mute->request->pool,
                                 TLSRPT_DAY_TEXT_LEN + 1);
    if (mute->day.data == NULL) {
        return "out of memory";
    }

    tlsrpt_day_text(day, (char *) mute->day.data);
    mute->day.len = TLSRPT_DAY_TEXT_LEN;

    return NULL;
}


static ngx_int_t
ngx_http_tlsrpt_mute_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_mute_t *mute = data;

    if (mute->asked || mute->unknown
        || mute->step == NGX_HTTP_TLSRPT_MUTE_DONE)
    {
        return NGX_DONE;
    }

    mute->asked = 1;

    if (mute->step == NGX_HTTP_TLSRPT_MUTE_STATE) {
        ask->command = tlsrpt_state_get(&mute->read,
                                    ngx_http_tlsrpt_prefix(mute->request),
                                    ngx_http_tlsrpt_str(&mute->admin->domain));
        return NGX_OK;
    }

    tlsrpt_command_destroy(mute->command);

    mute->command = ngx_http_tlsrpt_mute_command(mute);
    ask->command = mute->command;

    return ask->command ? NGX_OK : NGX_ERROR;
}


static tlsrpt_command_t *
ngx_http_tlsrpt_mute_command(ngx_http_tlsrpt_mute_t *mute)
{
    u_char                        seconds[NGX_INT64_LEN + 1], *last;
    tlsrpt_str_t                  id, day;
    tlsrpt_key_t                  key;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(mute->request,
                                         ngx_http_tlsrpt_module);

    tlsrpt_key_domain(&key, ngx_http_tlsrpt_prefix(mute->request),
                      ngx_http_tlsrpt_str(&mute->admin->domain),
                      TLSRPT_MUTED_KEY);

    id = ngx_http_tlsrpt_str(&mute->admin->id);
    day = ngx_http_tlsrpt_str(&mute->day);
    last = ngx_sprintf(seconds, "%ui", tmcf->retention_days * TLSRPT_DAY);

    tlsrpt_str_t  set[] = {
        TLSRPT_STR("HSET"), { key.data, key.len }, id, day
    };
    tlsrpt_str_t  del[] = {
        TLSRPT_STR("HDEL"), { key.data, key.len }, id
    };
    tlsrpt_str_t  expire[] = {
        TLSRPT_STR("EXPIRE"), { key.data, key.len },
        { (char *) seconds, (size_t) (last - seconds) }
    };

    if (mute->step == NGX_HTTP_TLSRPT_MUTE_EXPIRE) {
        return tlsrpt_command_create(expire, 3, 1, NULL);
    }

    return mute->day.len ? tlsrpt_command_create(set, 4, 1, NULL)
                         : tlsrpt_command_create(del, 3, 1, NULL);
}


static ngx_int_t
ngx_http_tlsrpt_mute_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_mute_t *mute = data;

    mute->asked = 0;

    return mute->step++ == NGX_HTTP_TLSRPT_MUTE_STATE
           ? ngx_http_tlsrpt_mute_state(mute, reply) : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_mute_state(ngx_http_tlsrpt_mute_t *mute,
    const tlsrpt_reply_t *reply)
{
    tlsrpt_state_t  state;

    if (tlsrpt_state_read(reply, &state) != 0) {
        return NGX_ERROR;
    }

    mute->unknown = !ngx_http_tlsrpt_mute_has(state.json, "open",
                                              &mute->admin->id)
                    && !ngx_http_tlsrpt_mute_has(state.json, "past",
                                                 &mute->admin->id);
    tlsrpt_state_free(&state);

    return NGX_OK;
}


static ngx_uint_t
ngx_http_tlsrpt_mute_has(const json_t *json, const char *list,
    const ngx_str_t *id)
{
    size_t         i;
    const json_t  *entries, *value;

    entries = json_object_get(json, list);

    for (i = 0; i < json_array_size(entries); i++) {
        value = json_object_get(json_array_get(entries, i), "id");

        if (json_string_length(value) == id->len
            && ngx_memcmp(json_string_value(value), id->data, id->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_tlsrpt_mute_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_mute_t *mute = data;

    json_t  *day;

    if (mute->unknown) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "the domain has no such problem");
    }

    day = mute->day.len ? json_stringn((char *) mute->day.data, mute->day.len)
                        : json_null();

    return ngx_http_tlsrpt_admin_json(r, NGX_HTTP_OK,
                          json_pack("{s:s%, s:o}", "id", mute->admin->id.data,
                                    mute->admin->id.len,
                                    NGX_HTTP_TLSRPT_MUTE_MEMBER, day));
}


static void
ngx_http_tlsrpt_mute_destroy(void *data)
{
    ngx_http_tlsrpt_mute_t *mute = data;

    tlsrpt_command_destroy(mute->command);
}
