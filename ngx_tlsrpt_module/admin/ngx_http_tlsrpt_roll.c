/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Time and version first; then for each page of names, their records, the
 * records of those that they are same-as, and where their policy hosts lead.
 */

#include "ngx_http_tlsrpt_roll.h"
#include "ngx_http_tlsrpt_served.h"


enum {
    NGX_HTTP_TLSRPT_ROLL_TIME = 0,
    NGX_HTTP_TLSRPT_ROLL_META,
    NGX_HTTP_TLSRPT_ROLL_NAMES,
    NGX_HTTP_TLSRPT_ROLL_RECORDS,
    NGX_HTTP_TLSRPT_ROLL_OTHERS,
    NGX_HTTP_TLSRPT_ROLL_LEADS,
    NGX_HTTP_TLSRPT_ROLL_PAGE
};


static ngx_int_t ngx_http_tlsrpt_roll_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_roll_leads(ngx_http_tlsrpt_roll_t *roll,
    ngx_http_tlsrpt_ask_t *ask);
static const tlsrpt_command_t *ngx_http_tlsrpt_roll_own(
    ngx_http_tlsrpt_roll_t *roll, tlsrpt_command_t *command);
static ngx_int_t ngx_http_tlsrpt_roll_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_roll_meta(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_roll_names(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_roll_records(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_roll_record(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply, tlsrpt_registry_record_t **record);
static void ngx_http_tlsrpt_roll_want(ngx_http_tlsrpt_roll_t *roll,
    ngx_uint_t i);
static ngx_int_t ngx_http_tlsrpt_roll_others(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_roll_work(void *data, ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_roll_done(void *data, ngx_http_request_t *r);
static void ngx_http_tlsrpt_roll_free(ngx_http_tlsrpt_roll_t *roll);
static void ngx_http_tlsrpt_roll_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_roll_fetch = {
    ngx_http_tlsrpt_roll_next,
    ngx_http_tlsrpt_roll_reply,
    ngx_http_tlsrpt_roll_work,
    ngx_http_tlsrpt_roll_done,
    ngx_http_tlsrpt_roll_destroy
};


ngx_int_t
ngx_http_tlsrpt_roll(ngx_http_request_t *r, ngx_http_tlsrpt_roll_t *roll)
{
    roll->request = r;

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_roll_fetch, roll);
}


ngx_int_t
ngx_http_tlsrpt_roll_served(ngx_http_tlsrpt_roll_t *roll,
    const ngx_http_tlsrpt_roll_one_t *one, const tlsrpt_enrolment_t *e,
    tlsrpt_served_t *served)
{
    return ngx_http_tlsrpt_served(roll->request, e, one->other, roll->now,
                                  served);
}


/* Asking */

static ngx_int_t
ngx_http_tlsrpt_roll_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_roll_t *roll = data;

    tlsrpt_str_t  prefix;

    if (roll->asked || roll->over) {
        return NGX_DONE;
    }

    prefix = ngx_http_tlsrpt_prefix(roll->request);

    switch (roll->step) {

    case NGX_HTTP_TLSRPT_ROLL_TIME:
        ask->command = &tlsrpt_command_time;
        break;

    case NGX_HTTP_TLSRPT_ROLL_META:
        ask->command = tlsrpt_registry_meta(&roll->read, prefix);
        break;

    case NGX_HTTP_TLSRPT_ROLL_NAMES:
        ask->command = ngx_http_tlsrpt_roll_own(roll,
                           tlsrpt_registry_names(prefix,
                               roll->owner.data ? &roll->owner : NULL,
                               ngx_http_tlsrpt_str(&roll->after),
                               roll->page));
        break;

    case NGX_HTTP_TLSRPT_ROLL_RECORDS:
        ask->command = ngx_http_tlsrpt_roll_own(roll,
                           tlsrpt_registry_records(prefix, roll->names,
                                                   roll->n));
        break;

    case NGX_HTTP_TLSRPT_ROLL_OTHERS:
        ask->command = ngx_http_tlsrpt_roll_own(roll,
                           tlsrpt_registry_records(prefix, roll->wanted,
                                                   roll->nwanted));
        break;

    case NGX_HTTP_TLSRPT_ROLL_LEADS:
        return ngx_http_tlsrpt_roll_leads(roll, ask);

    default: /* NGX_HTTP_TLSRPT_ROLL_PAGE */
        return NGX_DONE;
    }

    roll->asked = 1;

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* Many of these are under way at a time. */

static ngx_int_t
ngx_http_tlsrpt_roll_leads(ngx_http_tlsrpt_roll_t *roll,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_uint_t  i;

    while (roll->leads && roll->nled < roll->n) {
        i = roll->nled++;

        if (roll->records[i] && roll->records[i]->holder) {
            ask->n = i;
            ask->command = ngx_http_tlsrpt_leads_ask(roll->leads,
                                                     roll->names[i]);
            return NGX_OK;
        }
    }

    return NGX_DONE;
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_roll_own(ngx_http_tlsrpt_roll_t *roll,
    tlsrpt_command_t *command)
{
    tlsrpt_command_destroy(roll->command);
    roll->command = command;

    return command;
}


/* Replies: each says what is asked next. */

static ngx_int_t
ngx_http_tlsrpt_roll_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_roll_t *roll = data;

    roll->asked = 0;

    switch (roll->step) {

    case NGX_HTTP_TLSRPT_ROLL_TIME:
        roll->step = NGX_HTTP_TLSRPT_ROLL_META;
        return tlsrpt_reply_seconds(reply, &roll->now) == 0
               ? NGX_OK : NGX_ERROR;

    case NGX_HTTP_TLSRPT_ROLL_META:
        roll->step = NGX_HTTP_TLSRPT_ROLL_NAMES;
        return ngx_http_tlsrpt_roll_meta(roll, reply);

    case NGX_HTTP_TLSRPT_ROLL_NAMES:
        return ngx_http_tlsrpt_roll_names(roll, reply);

    case NGX_HTTP_TLSRPT_ROLL_RECORDS:
        return ngx_http_tlsrpt_roll_records(roll, reply);

    case NGX_HTTP_TLSRPT_ROLL_OTHERS:
        roll->step = NGX_HTTP_TLSRPT_ROLL_LEADS;
        return ngx_http_tlsrpt_roll_others(roll, reply);

    default: /* NGX_HTTP_TLSRPT_ROLL_LEADS */
        roll->may_lead[ask->n] = ngx_http_tlsrpt_leads_may(roll->leads, reply);
        return NGX_OK;
    }
}


/* {epoch, version}; both are missing where nothing was ever enrolled. */

static ngx_int_t
ngx_http_tlsrpt_roll_meta(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply)
{
    off_t                  version;
    const tlsrpt_reply_t  *text;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2) {
        return NGX_ERROR;
    }

    text = reply->elements[1];

    if (text->type != TLSRPT_REPLY_STRING) {
        return NGX_OK;
    }

    version = ngx_atoof((u_char *) text->str, text->len);
    roll->version = (version == NGX_ERROR) ? 0 : (uint64_t) version;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_roll_names(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply)
{
    size_t         i, n;
    u_char        *p;
    tlsrpt_str_t  *name;

    ngx_http_tlsrpt_roll_free(roll);

    if (reply->type != TLSRPT_REPLY_ARRAY) {
        return NGX_ERROR;
    }

    n = ngx_min(reply->nelements, roll->page);

    roll->last = (n < roll->page);

    if (n == 0) {
        roll->over = 1;
        return NGX_OK;
    }

    roll->pool = ngx_create_pool(16384, roll->request->connection->log);
    if (roll->pool == NULL) {
        return NGX_ERROR;
    }

    roll->names = ngx_pcalloc(roll->pool, n * sizeof(tlsrpt_str_t));
    roll->wanted = ngx_pcalloc(roll->pool, n * sizeof(tlsrpt_str_t));
    roll->wanted_by = ngx_pcalloc(roll->pool, n * sizeof(ngx_uint_t));
    roll->records = ngx_pcalloc(roll->pool, n * sizeof(void *));
    roll->others = ngx_pcalloc(roll->pool, n * sizeof(void *));
    roll->may_lead = ngx_pcalloc(roll->pool, n);

    if (roll->names == NULL || roll->wanted == NULL || roll->wanted_by == NULL
        || roll->records == NULL || roll->others == NULL
        || roll->may_lead == NULL)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {
        name = &roll->names[i];

        p = ngx_pnalloc(roll->pool, reply->elements[i]->len + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        ngx_memcpy(p, reply->elements[i]->str, reply->elements[i]->len);
        *name = (tlsrpt_str_t) { (char *) p, reply->elements[i]->len };
    }

    roll->n = n;
    roll->step = NGX_HTTP_TLSRPT_ROLL_RECORDS;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_roll_records(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply)
{
    ngx_uint_t  i;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != roll->n) {
        return NGX_ERROR;
    }

    for (i = 0; i < roll->n; i++) {
        if (ngx_http_tlsrpt_roll_record(roll, reply->elements[i],
                                        &roll->records[i])
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        ngx_http_tlsrpt_roll_want(roll, i);
    }

    roll->step = roll->nwanted ? NGX_HTTP_TLSRPT_ROLL_OTHERS
                               : NGX_HTTP_TLSRPT_ROLL_LEADS;

    return NGX_OK;
}


/* One that cannot be read is left out: it is told in the log. */

static ngx_int_t
ngx_http_tlsrpt_roll_record(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply, tlsrpt_registry_record_t **record)
{
    int  broken;

    *record = tlsrpt_registry_record_of(reply, &broken);

    if (*record == NULL && !broken) {
        return NGX_ERROR;
    }

    if (*record == NULL || (*record)->newer) {
        ngx_log_error(NGX_LOG_ERR, roll->request->connection->log, 0,
                      "tlsrpt: a list lacks a domain of the registry whose "
                      "record cannot be read");
        tlsrpt_registry_record_destroy(*record);
        *record = NULL;
    }

    return NGX_OK;
}


static void
ngx_http_tlsrpt_roll_want(ngx_http_tlsrpt_roll_t *roll, ngx_uint_t i)
{
    const tlsrpt_enrolment_t  *holder;

    holder = roll->records[i] ? roll->records[i]->holder : NULL;

    if (holder && holder->same_as.data) {
        roll->wanted_by[roll->nwanted] = i;
        roll->wanted[roll->nwanted++] = holder->same_as;
    }
}


static ngx_int_t
ngx_http_tlsrpt_roll_others(ngx_http_tlsrpt_roll_t *roll,
    const tlsrpt_reply_t *reply)
{
    ngx_uint_t  i;

    if (reply->type != TLSRPT_REPLY_ARRAY
        || reply->nelements != roll->nwanted)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < roll->nwanted; i++) {
        if (ngx_http_tlsrpt_roll_record(roll, reply->elements[i],
                                        &roll->others[roll->wanted_by[i]])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The page: one domain at a time, so that other requests have their turn. */

static ngx_int_t
ngx_http_tlsrpt_roll_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_roll_t *roll = data;

    ngx_int_t                    rc;
    ngx_uint_t                   i;
    ngx_http_tlsrpt_roll_one_t   one;

    if (roll->over) {
        return NGX_OK;
    }

    if (roll->seen == roll->n) {

        if (roll->last) {
            roll->over = 1;
            return NGX_OK;
        }

        roll->step = NGX_HTTP_TLSRPT_ROLL_NAMES;
        roll->after.data = (u_char *) roll->names[roll->n - 1].data;
        roll->after.len = roll->names[roll->n - 1].len;

        return NGX_DECLINED;
    }

    i = roll->seen++;

    if (roll->records[i] == NULL
        || tlsrpt_registry_record_is_empty(roll->records[i]))
    {
        return NGX_AGAIN;
    }

    one.domain = roll->names[i];
    one.record = roll->records[i];
    one.other = roll->others[i] ? roll->others[i]->holder : NULL;
    one.leads = roll->may_lead[i];

    rc = roll->type->one(roll->data, &one);

    if (rc == NGX_DONE) {
        roll->over = 1;
        return NGX_OK;
    }

    return (rc == NGX_OK) ? NGX_AGAIN : NGX_ERROR;
}


static ngx_int_t
ngx_http_tlsrpt_roll_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_roll_t *roll = data;

    return roll->type->done(roll->data, r);
}


static void
ngx_http_tlsrpt_roll_free(ngx_http_tlsrpt_roll_t *roll)
{
    ngx_uint_t  i;

    for (i = 0; i < roll->n; i++) {
        tlsrpt_registry_record_destroy(roll->records[i]);
        tlsrpt_registry_record_destroy(roll->others[i]);
    }

    roll->n = 0;
    roll->seen = 0;
    roll->nwanted = 0;
    roll->nled = 0;

    if (roll->pool) {
        ngx_destroy_pool(roll->pool);
        roll->pool = NULL;
    }
}


static void
ngx_http_tlsrpt_roll_destroy(void *data)
{
    ngx_http_tlsrpt_roll_t *roll = data;

    ngx_http_tlsrpt_roll_free(roll);
    tlsrpt_command_destroy(roll->command);

    if (roll->type->destroy) {
        roll->type->destroy(roll->data);
    }
}
