/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_close.h"
#include "ngx_http_tlsrpt_reckon.h"
#include "ngx_http_tlsrpt_store.h"
#include "tlsrpt_due.h"


static ngx_int_t ngx_http_tlsrpt_store_domain(ngx_http_tlsrpt_store_t *store,
    const tlsrpt_report_t *report, ngx_http_tlsrpt_store_domain_t *domain);
static ngx_int_t ngx_http_tlsrpt_store_count_new(
    ngx_http_tlsrpt_store_t *store);
static ngx_int_t ngx_http_tlsrpt_store_index(ngx_http_tlsrpt_store_t *store);
static void ngx_http_tlsrpt_store_keep_index(ngx_http_tlsrpt_store_t *store);
static ngx_int_t ngx_http_tlsrpt_store_command(ngx_http_tlsrpt_store_t *store,
    tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler,
    void *data);

static void ngx_http_tlsrpt_store_ingested(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_store_due(ngx_http_tlsrpt_store_domain_t *domain,
    long long answer, ngx_uint_t look);
static void ngx_http_tlsrpt_store_new_counted(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_store_new_kept(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_store_indexed(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_store_index_kept(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_store_failed(ngx_http_tlsrpt_store_t *store,
    const tlsrpt_reply_t *reply);
static void ngx_http_tlsrpt_store_replied(ngx_http_tlsrpt_store_t *store);
static ngx_http_tlsrpt_verdict_e ngx_http_tlsrpt_store_verdict(
    ngx_http_tlsrpt_store_t *store);
static ngx_http_tlsrpt_verdict_e ngx_http_tlsrpt_store_not_sent(
    ngx_http_tlsrpt_store_t *store, ngx_int_t rc);
static ngx_http_tlsrpt_verdict_e ngx_http_tlsrpt_store_not_taken(
    ngx_http_tlsrpt_store_t *store, const char *reason);


void
ngx_http_tlsrpt_store_init(ngx_http_tlsrpt_store_t *store,
    ngx_http_tlsrpt_main_conf_t *tmcf, unsigned via, time_t received,
    const ngx_str_t *original)
{
    ngx_memzero(store, sizeof(ngx_http_tlsrpt_store_t));

    store->tmcf = tmcf;

    store->ingest.prefix = ngx_http_tlsrpt_str(&tmcf->redis.prefix);
    store->ingest.now = received;
    store->ingest.retention_days = (unsigned) tmcf->retention_days;
    store->ingest.report_days = (unsigned) tmcf->report_days;
    store->ingest.via = via;
    store->ingest.original = ngx_http_tlsrpt_str(original);
}


void
ngx_http_tlsrpt_store_detach(ngx_http_tlsrpt_store_t *store)
{
    ngx_uint_t                       i;
    ngx_http_tlsrpt_store_domain_t  *domains;

    if (store->pending == 0) {
        return;
    }

    domains = store->domains->elts;

    for (i = 0; i < store->domains->nelts; i++) {
        ngx_http_tlsrpt_redis_detach(store->tmcf->client, &domains[i]);
    }

    ngx_http_tlsrpt_redis_detach(store->tmcf->client, store);
    store->pending = 0;
}


/* Commands */

ngx_http_tlsrpt_verdict_e
ngx_http_tlsrpt_store_send(ngx_http_tlsrpt_store_t *store,
    const tlsrpt_report_t *report)
{
    ngx_int_t                        rc;
    ngx_http_tlsrpt_store_domain_t  *domain, *domains;

    domains = store->domains->elts;

    for ( /* void */ ; store->next < store->domains->nelts; store->next++) {

        domain = &domains[store->next];

        if (domain->state != NGX_HTTP_TLSRPT_STORE_UNSENT
            && domain->state != NGX_HTTP_TLSRPT_STORE_ADMITTED)
        {
            continue;
        }

        rc = ngx_http_tlsrpt_store_domain(store, report, domain);

        if ((rc == NGX_BUSY || rc == NGX_DECLINED) && store->pending) {
            /* goes on when what is pending is answered */
            break;
        }

        if (rc != NGX_OK) {
            return ngx_http_tlsrpt_store_not_sent(store, rc);
        }
    }

    return NGX_HTTP_TLSRPT_STORE_PENDING;
}


static ngx_int_t
ngx_http_tlsrpt_store_domain(ngx_http_tlsrpt_store_t *store,
    const tlsrpt_report_t *report, ngx_http_tlsrpt_store_domain_t *domain)
{
    ngx_int_t  rc;

    domain->has_failures = tlsrpt_report_has_failures(report,
                                          (unsigned) domain->number) != 0;

    /* due first: if it is counted, and we are killed, it is looked at */

    if (domain->has_failures && domain->below.len == 0) {
        ngx_http_tlsrpt_reckon_due(store->tmcf,
                                   ngx_http_tlsrpt_str(&domain->name),
                                   TLSRPT_DUE_SOON);
    }

    store->ingest.ask_new = domain->below.len
                            && domain->state == NGX_HTTP_TLSRPT_STORE_UNSENT;

    rc = ngx_http_tlsrpt_store_command(store,
             tlsrpt_ingest_command(report, (unsigned) domain->number,
                                   &store->ingest),
             ngx_http_tlsrpt_store_ingested, domain);

    if (rc == NGX_OK) {
        domain->store = store;
        domain->state = NGX_HTTP_TLSRPT_STORE_SENT;
    }

    return rc;
}


/* Counts those that are new, as many as a report may bring at a time. */

static ngx_int_t
ngx_http_tlsrpt_store_count_new(ngx_http_tlsrpt_store_t *store)
{
    ngx_int_t                        rc;
    ngx_uint_t                       i;
    ngx_http_tlsrpt_store_domain_t  *domains;

    domains = store->domains->elts;
    store->nnew = 0;

    for (i = 0; i < store->domains->nelts; i++) {

        if (domains[i].state != NGX_HTTP_TLSRPT_STORE_NEW) {
            continue;
        }

        if (store->asked == TLSRPT_NEWCOMERS_OF_REPORT) {
            domains[i].state = NGX_HTTP_TLSRPT_STORE_TOO_MANY;
            store->too_many++;
            continue;
        }

        rc = ngx_http_tlsrpt_store_command(store,
                 tlsrpt_newcomer_count(store->ingest.prefix,
                                       ngx_http_tlsrpt_str(&domains[i].below),
                                       store->ingest.now),
                 ngx_http_tlsrpt_store_new_counted, &domains[i]);

        if (rc != NGX_OK) {
            return rc;
        }

        store->asked++;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_store_index(ngx_http_tlsrpt_store_t *store)
{
    ngx_uint_t                       i, n;
    tlsrpt_str_t                     names[TLSRPT_MAX_DOMAINS];
    ngx_http_tlsrpt_store_domain_t  *domains;

    domains = store->domains->elts;

    for (n = 0, i = 0; i < store->domains->nelts; i++) {
        if (domains[i].state == NGX_HTTP_TLSRPT_STORE_COUNTED) {
            names[n++] = ngx_http_tlsrpt_str(&domains[i].name);
        }
    }

    return ngx_http_tlsrpt_store_command(store,
               tlsrpt_index_add(store->ingest.prefix, names, n),
               ngx_http_tlsrpt_store_indexed, store);
}


static void
ngx_http_tlsrpt_store_keep_index(ngx_http_tlsrpt_store_t *store)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_store_command(store,
             tlsrpt_index_keep(store->ingest.prefix,
                               store->ingest.retention_days),
             ngx_http_tlsrpt_store_index_kept, store);

    /* where it could not be sent, the next report does it */

    store->tmcf->index_kept = (rc == NGX_OK) ? ngx_time() : 0;
}


/* Frees the command; NULL: there was no memory for it. */

static ngx_int_t
ngx_http_tlsrpt_store_command(ngx_http_tlsrpt_store_t *store,
    tlsrpt_command_t *command, ngx_http_tlsrpt_redis_handler_pt handler,
    void *data)
{
    ngx_int_t  rc;

    if (command == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_tlsrpt_redis_send(store->tmcf->client, command, handler,
                                    data);
    tlsrpt_command_destroy(command);

    if (rc == NGX_OK) {
        store->pending++;
    }

    return rc;
}


/* Replies */

static void
ngx_http_tlsrpt_store_ingested(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_store_domain_t *domain = data;

    long long                 answer;
    ngx_uint_t                look;
    ngx_http_tlsrpt_store_t  *store;

    store = domain->store;
    domain->state = NGX_HTTP_TLSRPT_STORE_COUNTED;

    answer = reply && reply->type == TLSRPT_REPLY_INTEGER ? reply->integer : -1;

    look = answer > 0 && (answer & TLSRPT_INGEST_LOOK);

    if (look) {
        answer -= TLSRPT_INGEST_LOOK;
    }

    ngx_http_tlsrpt_store_due(domain, answer, look);

    switch (answer) {
    case TLSRPT_INGEST_DUE:
        ngx_http_tlsrpt_close(store->tmcf, ngx_http_tlsrpt_str(&domain->name));

        /* fall through */

    case TLSRPT_INGEST_STORED:
    case TLSRPT_INGEST_FIRST:
        store->stored++;
        break;

    case TLSRPT_INGEST_DUPLICATE:
        break;

    case TLSRPT_INGEST_NEW:
        domain->state = NGX_HTTP_TLSRPT_STORE_NEW;
        store->nnew++;
        break;

    default:
        ngx_http_tlsrpt_store_failed(store, reply);
    }

    store->unindexed |= tlsrpt_index_add_due(answer);

    ngx_http_tlsrpt_store_replied(store);
}


/* A report that tells of failures has made it due before, unless nobody knew
   whether the domain may be stored. */

static void
ngx_http_tlsrpt_store_due(ngx_http_tlsrpt_store_domain_t *domain,
    long long answer, ngx_uint_t look)
{
    ngx_uint_t    is_first, is_stored;
    tlsrpt_str_t  name;

    if (domain->has_failures && domain->below.len == 0) {
        return;
    }

    name = ngx_http_tlsrpt_str(&domain->name);

    is_first = (answer == TLSRPT_INGEST_FIRST || answer == TLSRPT_INGEST_DUE);
    is_stored = (is_first || answer == TLSRPT_INGEST_STORED);

    if (look || (domain->has_failures && is_stored)) {
        ngx_http_tlsrpt_reckon_due(domain->store->tmcf, name, TLSRPT_DUE_SOON);

    } else if (is_first) {
        ngx_http_tlsrpt_reckon_due(domain->store->tmcf, name,
                                   TLSRPT_DUE_LATER);
    }
}


static void
ngx_http_tlsrpt_store_new_counted(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_store_domain_t *domain = data;

    ngx_http_tlsrpt_store_t  *store;

    store = domain->store;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        ngx_http_tlsrpt_store_failed(store, reply);

    } else if (tlsrpt_newcomer_may(reply->integer)) {
        domain->state = NGX_HTTP_TLSRPT_STORE_ADMITTED;
        store->admitted++;

    } else {
        domain->state = NGX_HTTP_TLSRPT_STORE_TOO_MANY;
        store->too_many++;
    }

    if (reply && tlsrpt_newcomer_keep_due(reply->integer)) {
        /* where it is not sent, the next minute's are kept anew */

        (void) ngx_http_tlsrpt_store_command(store,
                   tlsrpt_newcomer_keep(store->ingest.prefix,
                                        store->ingest.now),
                   ngx_http_tlsrpt_store_new_kept, store);
    }

    ngx_http_tlsrpt_store_replied(store);
}


static void
ngx_http_tlsrpt_store_new_kept(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_store_t *store = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        ngx_http_tlsrpt_store_failed(store, reply);
    }

    ngx_http_tlsrpt_store_replied(store);
}


static void
ngx_http_tlsrpt_store_indexed(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_store_t *store = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        ngx_http_tlsrpt_store_failed(store, reply);

    } else if (tlsrpt_index_keep_due(reply->integer,
                                     ngx_time() - store->tmcf->index_kept))
    {
        ngx_http_tlsrpt_store_keep_index(store);
    }

    ngx_http_tlsrpt_store_replied(store);
}


static void
ngx_http_tlsrpt_store_index_kept(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_store_t *store = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        ngx_http_tlsrpt_store_failed(store, reply);
    }

    ngx_http_tlsrpt_store_replied(store);
}


static void
ngx_http_tlsrpt_store_failed(ngx_http_tlsrpt_store_t *store,
    const tlsrpt_reply_t *reply)
{
    store->failed++;
    store->reason = reply ? "Redis did not take it" : "Redis is away";
}


static void
ngx_http_tlsrpt_store_replied(ngx_http_tlsrpt_store_t *store)
{
    ngx_http_tlsrpt_verdict_e  verdict;

    if (--store->pending) {
        return;
    }

    verdict = ngx_http_tlsrpt_store_verdict(store);

    if (verdict != NGX_HTTP_TLSRPT_STORE_PENDING) {
        store->handler(store->data, verdict);
    }
}


/* Nothing is pending: what was sent so far is answered. */

static ngx_http_tlsrpt_verdict_e
ngx_http_tlsrpt_store_verdict(ngx_http_tlsrpt_store_t *store)
{
    ngx_int_t  rc;

    if (store->failed) {
        return ngx_http_tlsrpt_store_not_taken(store, store->reason);
    }

    if (store->next < store->domains->nelts) {
        return NGX_HTTP_TLSRPT_STORE_AGAIN;
    }

    if (store->nnew) {
        rc = ngx_http_tlsrpt_store_count_new(store);

        if (rc != NGX_OK) {
            return ngx_http_tlsrpt_store_not_sent(store, rc);
        }

        if (store->pending) {
            return NGX_HTTP_TLSRPT_STORE_PENDING;
        }
    }

    if (store->admitted) {
        store->admitted = 0;
        store->next = 0;

        return NGX_HTTP_TLSRPT_STORE_AGAIN;
    }

    if (store->unindexed) {
        store->unindexed = 0;

        rc = ngx_http_tlsrpt_store_index(store);

        return rc == NGX_OK ? NGX_HTTP_TLSRPT_STORE_PENDING
                            : ngx_http_tlsrpt_store_not_sent(store, rc);
    }

    if (store->too_many) {
        return ngx_http_tlsrpt_store_not_taken(store,
                                               "too many new domains below one "
                                               "name, try again in a minute");
    }

    return store->stored ? NGX_HTTP_TLSRPT_STORE_STORED
                         : NGX_HTTP_TLSRPT_STORE_DUPLICATE;
}


/* rc: of ngx_http_tlsrpt_redis_send() */

static ngx_http_tlsrpt_verdict_e
ngx_http_tlsrpt_store_not_sent(ngx_http_tlsrpt_store_t *store, ngx_int_t rc)
{
    return ngx_http_tlsrpt_store_not_taken(store,
               rc == NGX_BUSY ? "too much waits for Redis"
               : rc == NGX_DECLINED ? "Redis is away" : "out of memory");
}


/* The one place that decides so. */

static ngx_http_tlsrpt_verdict_e
ngx_http_tlsrpt_store_not_taken(ngx_http_tlsrpt_store_t *store,
    const char *reason)
{
    ngx_http_tlsrpt_store_detach(store);

    store->reason = reason;

    return NGX_HTTP_TLSRPT_STORE_NOT_TAKEN;
}
