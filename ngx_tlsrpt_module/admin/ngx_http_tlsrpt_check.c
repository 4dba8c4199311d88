/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * rspamd looks, and says by a key that it does.  Once a minute a domain: who
 * sets another key first.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_check.h"
#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_params.h"

#include <openssl/rand.h>


#define NGX_HTTP_TLSRPT_CHECK_SECONDS  "60"


/* What is asked, in this order. */
enum {
    NGX_HTTP_TLSRPT_CHECK_SEEN = 0,         /* is rspamd there? */
    NGX_HTTP_TLSRPT_CHECK_SET,              /* the first of this minute? */
    NGX_HTTP_TLSRPT_CHECK_GET,
    NGX_HTTP_TLSRPT_CHECK_LOOK,
    NGX_HTTP_TLSRPT_CHECK_DONE
};

typedef struct {
    ngx_http_request_t  *request;
    ngx_str_t            domain;
    int64_t              now;
    json_t              *json;              /* of the domain */
    char                 mark[TLSRPT_TOKEN_LEN + 1];    /* of this request */
    tlsrpt_command_t    *command;
    ngx_uint_t           step;
    ngx_uint_t           status;            /* 0: not yet known */
    unsigned             asked:1;
} ngx_http_tlsrpt_check_t;


static ngx_int_t ngx_http_tlsrpt_check_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown);
static ngx_int_t ngx_http_tlsrpt_check_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static tlsrpt_command_t *ngx_http_tlsrpt_check_command(
    ngx_http_tlsrpt_check_t *check);
static ngx_int_t ngx_http_tlsrpt_check_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_check_done(void *data,
    ngx_http_request_t *r);
static void ngx_http_tlsrpt_check_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_check_fetch = {
    ngx_http_tlsrpt_check_next,
    ngx_http_tlsrpt_check_reply,
    NULL,
    ngx_http_tlsrpt_check_done,
    ngx_http_tlsrpt_check_destroy
};


ngx_int_t
ngx_http_tlsrpt_check(ngx_http_request_t *r, ngx_http_tlsrpt_admin_t *admin)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return ngx_http_tlsrpt_enrolled(r, admin, ngx_http_tlsrpt_check_read);
}


static ngx_int_t
ngx_http_tlsrpt_check_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown)
{
    unsigned char             random[TLSRPT_TOKEN_BYTES];
    ngx_http_request_t       *r;
    ngx_http_tlsrpt_check_t  *check;

    r = en->request;

    check = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_check_t));

    if (check == NULL || RAND_bytes(random, TLSRPT_TOKEN_BYTES) != 1) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    tlsrpt_token_make(random, check->mark);

    check->request = r;
    check->domain = en->admin->domain;
    check->now = en->how.now;
    check->json = ngx_http_tlsrpt_enrolled_json(en, shown);

    if (check->json == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_check_fetch, check);
}


static ngx_int_t
ngx_http_tlsrpt_check_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_check_t *check = data;

    if (check->asked || check->status) {
        return NGX_DONE;
    }

    tlsrpt_command_destroy(check->command);

    check->command = ngx_http_tlsrpt_check_command(check);
    check->asked = 1;
    ask->command = check->command;

    return ask->command ? NGX_OK : NGX_ERROR;
}


static tlsrpt_command_t *
ngx_http_tlsrpt_check_command(ngx_http_tlsrpt_check_t *check)
{
    tlsrpt_key_t  key;
    tlsrpt_str_t  prefix, domain, mark;

    prefix = ngx_http_tlsrpt_prefix(check->request);
    domain = ngx_http_tlsrpt_str(&check->domain);
    mark = (tlsrpt_str_t) { check->mark, TLSRPT_TOKEN_LEN };

    tlsrpt_key_registry_of(&key, prefix, ":checked:", domain);

    tlsrpt_str_t  set[] = {
        TLSRPT_STR("SET"), { key.data, key.len }, mark,
        TLSRPT_STR("EX"), TLSRPT_STR(NGX_HTTP_TLSRPT_CHECK_SECONDS),
        TLSRPT_STR("NX")
    };
    tlsrpt_str_t  get[] = { TLSRPT_STR("GET"), { key.data, key.len } };

    switch (check->step) {

    case NGX_HTTP_TLSRPT_CHECK_SEEN:
        tlsrpt_key_registry(&key, prefix, ":seen");
        get[1].len = key.len;
        return tlsrpt_command_create(get, 2, 1, NULL);

    case NGX_HTTP_TLSRPT_CHECK_SET:
        return tlsrpt_command_create(set, 6, 1, NULL);

    case NGX_HTTP_TLSRPT_CHECK_GET:
        return tlsrpt_command_create(get, 2, 1, NULL);

    default: /* NGX_HTTP_TLSRPT_CHECK_LOOK */
        return tlsrpt_registry_look(prefix, domain, check->now);
    }
}


static ngx_int_t
ngx_http_tlsrpt_check_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_check_t *check = data;

    check->asked = 0;

    switch (check->step++) {

    case NGX_HTTP_TLSRPT_CHECK_SEEN:
        if (reply->type == TLSRPT_REPLY_NIL) {
            check->status = NGX_HTTP_OK;
        }
        return NGX_OK;

    case NGX_HTTP_TLSRPT_CHECK_GET:

        /* not what SET answers, which may have been sent twice */

        if (reply->type != TLSRPT_REPLY_STRING
            || reply->len != TLSRPT_TOKEN_LEN
            || ngx_memcmp(reply->str, check->mark, TLSRPT_TOKEN_LEN) != 0)
        {
            check->status = NGX_HTTP_TOO_MANY_REQUESTS;
        }
        return NGX_OK;

    case NGX_HTTP_TLSRPT_CHECK_LOOK:
        check->status = NGX_HTTP_ACCEPTED;
        return NGX_OK;

    default: /* NGX_HTTP_TLSRPT_CHECK_SET */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_tlsrpt_check_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_check_t *check = data;

    json_t  *json;

    if (check->status == NGX_HTTP_TOO_MANY_REQUESTS) {
        return ngx_http_tlsrpt_error(r, check->status,
                                     "DNS was looked at within this minute");
    }

    json = check->json;
    check->json = NULL;

    return ngx_http_tlsrpt_admin_json(r, check->status, json);
}


static void
ngx_http_tlsrpt_check_destroy(void *data)
{
    ngx_http_tlsrpt_check_t *check = data;

    tlsrpt_command_destroy(check->command);
    json_decref(check->json);
}
