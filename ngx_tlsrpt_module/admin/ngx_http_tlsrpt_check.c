/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * rspamd looks who owns what is enrolled, and checks the domains that are ours,
 * each where it is told to, and says by a key that it does.  An enrolment, or a
 * domain of the configuration, may ask once a minute: who sets another key
 * first.  A domain is looked at so often, too, and whoever asks for one that
 * others wait for, or hold, is looked at with them at the end of their minute:
 * no answer tells of them.
 */

#include "ngx_http_tlsrpt_admin_send.h"
#include "ngx_http_tlsrpt_check.h"
#include "ngx_http_tlsrpt_enrolled.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_served.h"

#include <openssl/rand.h>


#define NGX_HTTP_TLSRPT_CHECK_SECONDS  60
#define NGX_HTTP_TLSRPT_CHECK_EXPIRE   "60"


/* What is asked, in this order. */
enum {
    NGX_HTTP_TLSRPT_CHECK_TIME = 0,
    NGX_HTTP_TLSRPT_CHECK_LOOKS,            /* does rspamd look who owns it? */
    NGX_HTTP_TLSRPT_CHECK_CHECKS,           /* does it check domains, */
    NGX_HTTP_TLSRPT_CHECK_NAMED,            /* and this is one of them? */
    NGX_HTTP_TLSRPT_CHECK_SET,              /* the first of this minute? */
    NGX_HTTP_TLSRPT_CHECK_GET,
    NGX_HTTP_TLSRPT_CHECK_SET_LAST,         /* when was the domain's last? */
    NGX_HTTP_TLSRPT_CHECK_GET_LAST,
    NGX_HTTP_TLSRPT_CHECK_ASK,              /* all that checks look at */
    NGX_HTTP_TLSRPT_CHECK_LOOK,
    NGX_HTTP_TLSRPT_CHECK_DONE
};

typedef struct {
    ngx_http_request_t  *request;
    ngx_str_t            domain;
    int64_t              now;
    json_t              *json;              /* of the domain */
    int64_t              look;              /* when it is to be looked */
    char                 mark[TLSRPT_TOKEN_LEN + 1];    /* of this request */
    char                 token[TLSRPT_TOKEN_LEN + 1];   /* of the enrolment */
    tlsrpt_str_t         who;               /* may ask once a minute: the token,
                                               or the domain */
    tlsrpt_command_t    *command;
    ngx_uint_t           step;
    ngx_uint_t           status;            /* 0: not yet known */
    unsigned             asked:1;
    unsigned             configured:1;      /* nobody looks who owns it */
    unsigned             looks:1;
    unsigned             checks:1;
} ngx_http_tlsrpt_check_t;


static ngx_http_tlsrpt_check_t *ngx_http_tlsrpt_check_create(
    ngx_http_request_t *r, const ngx_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_check_configured(ngx_http_request_t *r,
    const ngx_str_t *domain);
static ngx_int_t ngx_http_tlsrpt_check_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown);
static ngx_int_t ngx_http_tlsrpt_check_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static tlsrpt_command_t *ngx_http_tlsrpt_check_command(
    ngx_http_tlsrpt_check_t *check);
static tlsrpt_command_t *ngx_http_tlsrpt_check_of_checks(
    ngx_http_tlsrpt_check_t *check, const char *suffix, tlsrpt_str_t command,
    tlsrpt_str_t argument);
static ngx_uint_t ngx_http_tlsrpt_check_is_left_out(
    ngx_http_tlsrpt_check_t *check);
static tlsrpt_command_t *ngx_http_tlsrpt_check_first(
    ngx_http_tlsrpt_check_t *check, const char *suffix, tlsrpt_str_t name,
    tlsrpt_str_t value);
static tlsrpt_command_t *ngx_http_tlsrpt_check_get(
    ngx_http_tlsrpt_check_t *check, const char *suffix, tlsrpt_str_t name);
static ngx_int_t ngx_http_tlsrpt_check_when(ngx_http_tlsrpt_check_t *check,
    const tlsrpt_reply_t *reply);
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

    if (ngx_http_tlsrpt_is_operator(admin)
        && ngx_http_tlsrpt_domain_configured(&admin->domain))
    {
        return ngx_http_tlsrpt_check_configured(r, &admin->domain);
    }

    return ngx_http_tlsrpt_enrolled(r, admin, ngx_http_tlsrpt_check_read);
}


static ngx_http_tlsrpt_check_t *
ngx_http_tlsrpt_check_create(ngx_http_request_t *r, const ngx_str_t *domain)
{
    unsigned char             random[TLSRPT_TOKEN_BYTES];
    ngx_http_tlsrpt_check_t  *check;

    check = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_check_t));

    if (check == NULL || RAND_bytes(random, TLSRPT_TOKEN_BYTES) != 1) {
        return NULL;
    }

    tlsrpt_token_make(random, check->mark);

    check->request = r;
    check->domain = *domain;

    return check;
}


static ngx_int_t
ngx_http_tlsrpt_check_configured(ngx_http_request_t *r,
    const ngx_str_t *domain)
{
    ngx_http_tlsrpt_check_t  *check;

    check = ngx_http_tlsrpt_check_create(r, domain);
    if (check == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    check->configured = 1;
    check->who = ngx_http_tlsrpt_str(&check->domain);
    check->json = json_pack("{s:s%}", "domain", check->who.data,
                            check->who.len);

    if (check->json == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                     "out of memory");
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_check_fetch, check);
}


static ngx_int_t
ngx_http_tlsrpt_check_read(ngx_http_tlsrpt_enrolled_t *en,
    const tlsrpt_enrolment_t *shown)
{
    ngx_http_request_t       *r;
    ngx_http_tlsrpt_check_t  *check;

    r = en->request;

    check = ngx_http_tlsrpt_check_create(r, &en->admin->domain);
    if (check == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_cpystrn((u_char *) check->token, (u_char *) shown->token.data,
                ngx_min(shown->token.len, TLSRPT_TOKEN_LEN) + 1);
    check->who = (tlsrpt_str_t) { check->token, ngx_strlen(check->token) };
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

    while (ngx_http_tlsrpt_check_is_left_out(check)) {
        check->step++;
    }

    if (check->step == NGX_HTTP_TLSRPT_CHECK_DONE) {
        check->status = NGX_HTTP_ACCEPTED;
        return NGX_DONE;
    }

    tlsrpt_command_destroy(check->command);

    check->command = ngx_http_tlsrpt_check_command(check);
    check->asked = 1;
    ask->command = check->command;

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* What is not asked of this one. */

static ngx_uint_t
ngx_http_tlsrpt_check_is_left_out(ngx_http_tlsrpt_check_t *check)
{
    switch (check->step) {

    case NGX_HTTP_TLSRPT_CHECK_LOOKS:
        return check->configured;

    case NGX_HTTP_TLSRPT_CHECK_NAMED:
    case NGX_HTTP_TLSRPT_CHECK_ASK:
        return !check->checks;

    case NGX_HTTP_TLSRPT_CHECK_LOOK:
        return !check->looks;

    default:
        return 0;
    }
}


static tlsrpt_command_t *
ngx_http_tlsrpt_check_command(ngx_http_tlsrpt_check_t *check)
{
    char          text[NGX_INT64_LEN + 1];
    tlsrpt_str_t  domain, second;

    static const tlsrpt_str_t  time = TLSRPT_STR("TIME");
    static const tlsrpt_str_t  none = { "", 0 };

    domain = ngx_http_tlsrpt_str(&check->domain);
    second.data = text;
    second.len = ngx_sprintf((u_char *) text, "%L",
                             check->step == NGX_HTTP_TLSRPT_CHECK_ASK
                             ? check->look : check->now)
                 - (u_char *) text;

    switch (check->step) {

    case NGX_HTTP_TLSRPT_CHECK_TIME:
        return tlsrpt_command_create(&time, 1, 0, NULL);

    case NGX_HTTP_TLSRPT_CHECK_LOOKS:
        return ngx_http_tlsrpt_check_get(check, ":seen", none);

    case NGX_HTTP_TLSRPT_CHECK_CHECKS:
        return ngx_http_tlsrpt_check_of_checks(check, ":seen",
                                               TLSRPT_STR("GET"), none);

    case NGX_HTTP_TLSRPT_CHECK_NAMED:
        return ngx_http_tlsrpt_check_of_checks(check, ":names",
                                               TLSRPT_STR("ZSCORE"), none);

    case NGX_HTTP_TLSRPT_CHECK_SET:
        return ngx_http_tlsrpt_check_first(check, ":asked:", check->who,
                        (tlsrpt_str_t) { check->mark, TLSRPT_TOKEN_LEN });

    case NGX_HTTP_TLSRPT_CHECK_GET:
        return ngx_http_tlsrpt_check_get(check, ":asked:", check->who);

    case NGX_HTTP_TLSRPT_CHECK_SET_LAST:
        return ngx_http_tlsrpt_check_first(check, ":checked:", domain, second);

    case NGX_HTTP_TLSRPT_CHECK_GET_LAST:
        return ngx_http_tlsrpt_check_get(check, ":checked:", domain);

    case NGX_HTTP_TLSRPT_CHECK_ASK:
        return ngx_http_tlsrpt_check_of_checks(check, ":asked",
                                               TLSRPT_STR("ZADD"), second);

    default: /* NGX_HTTP_TLSRPT_CHECK_LOOK */
        return tlsrpt_registry_look(ngx_http_tlsrpt_prefix(check->request),
                                    domain, check->look);
    }
}


/* A key of checks; an argument before the domain, if it is not empty. */

static tlsrpt_command_t *
ngx_http_tlsrpt_check_of_checks(ngx_http_tlsrpt_check_t *check,
    const char *suffix, tlsrpt_str_t command, tlsrpt_str_t argument)
{
    size_t        n;
    tlsrpt_key_t  key;
    tlsrpt_str_t  argv[4];

    tlsrpt_key_checks(&key, ngx_http_tlsrpt_prefix(check->request), suffix);

    n = 0;
    argv[n++] = command;
    argv[n++] = (tlsrpt_str_t) { key.data, key.len };

    if (argument.len) {
        argv[n++] = argument;
    }

    if (check->step != NGX_HTTP_TLSRPT_CHECK_CHECKS) {
        argv[n++] = ngx_http_tlsrpt_str(&check->domain);
    }

    return tlsrpt_command_create(argv, n, 1, NULL);
}


static tlsrpt_command_t *
ngx_http_tlsrpt_check_first(ngx_http_tlsrpt_check_t *check,
    const char *suffix, tlsrpt_str_t name, tlsrpt_str_t value)
{
    tlsrpt_key_t  key;

    tlsrpt_key_registry_of(&key, ngx_http_tlsrpt_prefix(check->request),
                           suffix, name);

    tlsrpt_str_t  set[] = {
        TLSRPT_STR("SET"), { key.data, key.len }, value,
        TLSRPT_STR("EX"), TLSRPT_STR(NGX_HTTP_TLSRPT_CHECK_EXPIRE),
        TLSRPT_STR("NX")
    };

    return tlsrpt_command_create(set, 6, 1, NULL);
}


static tlsrpt_command_t *
ngx_http_tlsrpt_check_get(ngx_http_tlsrpt_check_t *check, const char *suffix,
    tlsrpt_str_t name)
{
    tlsrpt_key_t  key;

    tlsrpt_key_registry_of(&key, ngx_http_tlsrpt_prefix(check->request),
                           suffix, name);

    tlsrpt_str_t  get[] = { TLSRPT_STR("GET"), { key.data, key.len } };

    return tlsrpt_command_create(get, 2, 1, NULL);
}


static ngx_int_t
ngx_http_tlsrpt_check_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_check_t *check = data;

    check->asked = 0;

    switch (check->step++) {

    case NGX_HTTP_TLSRPT_CHECK_TIME:
        return tlsrpt_reply_seconds(reply, &check->now) == 0
               ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_TLSRPT_CHECK_LOOKS:
        check->looks = (reply->type != TLSRPT_REPLY_NIL);
        return NGX_OK;

    case NGX_HTTP_TLSRPT_CHECK_CHECKS:
        check->checks = (reply->type != TLSRPT_REPLY_NIL);
        break;

    case NGX_HTTP_TLSRPT_CHECK_NAMED:
        check->checks = (reply->type != TLSRPT_REPLY_NIL);
        break;

    case NGX_HTTP_TLSRPT_CHECK_GET:

        /* not what SET answers, which may have been sent twice */

        if (reply->type != TLSRPT_REPLY_STRING
            || reply->len != TLSRPT_TOKEN_LEN
            || ngx_memcmp(reply->str, check->mark, TLSRPT_TOKEN_LEN) != 0)
        {
            check->status = NGX_HTTP_TOO_MANY_REQUESTS;
        }
        return NGX_OK;

    case NGX_HTTP_TLSRPT_CHECK_GET_LAST:
        return ngx_http_tlsrpt_check_when(check, reply);

    default: /* ..._SET, ..._SET_LAST, ..._ASK, ..._LOOK */
        return NGX_OK;
    }

    if (!check->looks && !check->checks) {
        check->status = NGX_HTTP_OK;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_check_when(ngx_http_tlsrpt_check_t *check,
    const tlsrpt_reply_t *reply)
{
    time_t  last;

    check->look = check->now;

    if (reply->type != TLSRPT_REPLY_STRING) {
        /* its minute is over meanwhile */
        return NGX_OK;
    }

    last = ngx_atotm((u_char *) reply->str, reply->len);

    if (last == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (last < check->now) {
        check->look = ngx_max(check->now, last + NGX_HTTP_TLSRPT_CHECK_SECONDS);
    }

    return NGX_OK;
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
