/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A report by POST: its body is read, the domains of it that are accepted here
 * are sent to Redis, and what Redis says is the answer.
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_problem.h"


/* How often a worker has the index kept on. */
#define NGX_HTTP_TLSRPT_COLLECT_INDEX   3600


typedef struct {
    ngx_http_request_t           *request;
    ngx_http_tlsrpt_main_conf_t  *tmcf;
    ngx_http_tlsrpt_ctx_t        *ctx;
    ngx_http_tlsrpt_domain_t     *domain;   /* of the token; NULL: none */
    ngx_str_t                     warnings; /* JSON; NULL: not yet known */

    ngx_str_t                     original; /* the body in one piece */
    ngx_uint_t                    next;     /* domain of the report to send */
    ngx_uint_t                    ndomains;

    ngx_uint_t                    pending;  /* commands without reply */
    ngx_uint_t                    stored;
    ngx_uint_t                    failed;
    ngx_uint_t                    unindexed;    /* the index may lack them */

    ngx_uint_t                    status;   /* of the refusal */
    const char                   *detail;
    tlsrpt_error_t               *error;    /* in its place */
} ngx_http_tlsrpt_collect_t;


static ngx_int_t ngx_http_tlsrpt_collect_token(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t **domain);
static ngx_http_tlsrpt_collect_t *ngx_http_tlsrpt_collect_create(
    ngx_http_request_t *r, ngx_http_tlsrpt_domain_t *domain);
static void ngx_http_tlsrpt_collect_detach(void *data);
static void ngx_http_tlsrpt_collect_body(ngx_http_request_t *r);

static ngx_int_t ngx_http_tlsrpt_collect_report(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_read(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t **report);
static ngx_int_t ngx_http_tlsrpt_collect_check(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static tlsrpt_str_t ngx_http_tlsrpt_collect_default(
    ngx_http_tlsrpt_collect_t *collect);

static ngx_int_t ngx_http_tlsrpt_collect_describe(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_name(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_copy(ngx_http_request_t *r,
    ngx_str_t *to, tlsrpt_str_t from);
static ngx_int_t ngx_http_tlsrpt_collect_domains(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_unaccepted(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_warnings(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static json_t *ngx_http_tlsrpt_collect_list(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static json_t *ngx_http_tlsrpt_collect_warning(const tlsrpt_report_t *report,
    ngx_uint_t domain);
static ngx_uint_t ngx_http_tlsrpt_collect_accepted(
    ngx_http_tlsrpt_collect_t *collect, tlsrpt_str_t name);

static ngx_int_t ngx_http_tlsrpt_collect_send(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_send_index(
    ngx_http_tlsrpt_collect_t *collect);
static void ngx_http_tlsrpt_collect_send_keep(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_send_key(
    ngx_http_tlsrpt_collect_t *collect, size_t argc, const char **argv,
    size_t *argvlen, ngx_http_tlsrpt_redis_handler_pt handler);
static ngx_int_t ngx_http_tlsrpt_collect_send_domain(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report,
    ngx_uint_t domain);
static void ngx_http_tlsrpt_collect_indexed(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_collect_kept(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_collect_ingested(void *data,
    const tlsrpt_reply_t *reply, ngx_uint_t why);
static void ngx_http_tlsrpt_collect_replied(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_go_on(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_answer(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_text(
    ngx_http_tlsrpt_collect_t *collect, const ngx_str_t *status,
    ngx_str_t *text);
static u_char *ngx_http_tlsrpt_collect_text_id(u_char *p, ngx_str_t *id);
static u_char *ngx_http_tlsrpt_collect_text_domains(u_char *p,
    ngx_str_t *domains);

static ngx_int_t ngx_http_tlsrpt_collect_fail(
    ngx_http_tlsrpt_collect_t *collect, ngx_uint_t status,
    const char *detail);
static ngx_int_t ngx_http_tlsrpt_collect_reject(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_error_t *error);
static ngx_int_t ngx_http_tlsrpt_collect_refused(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_refuse(ngx_http_request_t *r,
    ngx_uint_t status, const char *detail);
static ngx_int_t ngx_http_tlsrpt_collect_status(ngx_http_request_t *r,
    ngx_uint_t status);
static void ngx_http_tlsrpt_collect_became(ngx_http_tlsrpt_ctx_t *ctx,
    ngx_uint_t status);
static ngx_http_tlsrpt_ctx_t *ngx_http_tlsrpt_collect_ctx(
    ngx_http_request_t *r);


ngx_int_t
ngx_http_tlsrpt_collect_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_tlsrpt_domain_t    *domain;
    ngx_http_tlsrpt_collect_t   *collect;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    if (r->internal && r->err_status >= NGX_HTTP_BAD_REQUEST) {
        /* nginx refused it, see ngx_http_tlsrpt_error_pages() */
        return ngx_http_tlsrpt_collect_refuse(r, r->err_status,
                     r->err_status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE
                         ? "the body is larger than the limit"
                         : "the request cannot be read");
    }

    if (r->method != NGX_HTTP_POST) {
        if (ngx_http_tlsrpt_add_header(r, "Allow", "POST") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                              "reports are sent by POST");
    }

    if (ngx_http_tlsrpt_collect_token(r, &domain) != NGX_OK) {
        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_NOT_FOUND,
                                              "unknown token");
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (r->headers_in.content_length_n > (off_t) tlcf->max_report_size) {
        return ngx_http_tlsrpt_collect_refuse(r,
                                 NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    collect = ngx_http_tlsrpt_collect_create(r, domain);
    if (collect == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_read_client_request_body(r, ngx_http_tlsrpt_collect_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    return NGX_DONE;
}


/*
 * What follows the location's name: nothing, "/", or "/TOKEN".
 * NGX_DECLINED: anything else, or an unknown token.
 */

static ngx_int_t
ngx_http_tlsrpt_collect_token(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t **domain)
{
    ngx_str_t                     token;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    *domain = NULL;

    if (ngx_http_tlsrpt_location_path(r, &token) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (token.len == 0) {
        return NGX_OK;
    }

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    *domain = ngx_http_tlsrpt_domain_by_token(&tmcf->accepted, token.data,
                                              token.len);

    return *domain ? NGX_OK : NGX_DECLINED;
}


static ngx_http_tlsrpt_collect_t *
ngx_http_tlsrpt_collect_create(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t *domain)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_tlsrpt_collect_t  *collect;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_tlsrpt_collect_t));
    if (cln == NULL) {
        return NULL;
    }

    collect = cln->data;
    ngx_memzero(collect, sizeof(ngx_http_tlsrpt_collect_t));

    cln->handler = ngx_http_tlsrpt_collect_detach;

    collect->request = r;
    collect->domain = domain;
    collect->tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    collect->ctx = ngx_http_tlsrpt_collect_ctx(r);
    if (collect->ctx == NULL) {
        return NULL;
    }

    collect->ctx->collect = collect;

    return collect;
}


/* What was sent goes on to Redis, the request does not wait for it any more. */

static void
ngx_http_tlsrpt_collect_detach(void *data)
{
    ngx_http_tlsrpt_collect_t  *collect = data;

    if (collect->pending) {
        ngx_http_tlsrpt_redis_detach(collect->tmcf->client, collect);
        collect->pending = 0;
    }
}


static void
ngx_http_tlsrpt_collect_body(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    rc = ngx_http_tlsrpt_collect_report(ctx->collect);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    /* A client that goes is noticed, and its report counted all the same. */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
    }
}


/* What a content handler returns, but NGX_DONE: Redis is asked.  Called again
   where its queue could not take all the domains at once. */

static ngx_int_t
ngx_http_tlsrpt_collect_report(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_int_t               rc;
    const tlsrpt_report_t  *report;

    rc = ngx_http_tlsrpt_collect_read(collect, &report);

    if (rc == NGX_OK && collect->warnings.data == NULL) {
        rc = ngx_http_tlsrpt_collect_describe(collect, report);
    }

    if (rc == NGX_OK) {
        rc = ngx_http_tlsrpt_collect_send(collect, report);
    }

    if (rc == NGX_OK) {
        return collect->pending ? NGX_DONE
                                : ngx_http_tlsrpt_collect_answer(collect);
    }

    return ngx_http_tlsrpt_collect_refused(collect);
}


/* bytes -> report.  Here and below: NGX_OK, or NGX_DECLINED with the reason in
   collect. */

static ngx_int_t
ngx_http_tlsrpt_collect_read(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t **report)
{
    ngx_http_request_t          *r;
    tlsrpt_reader_t             *reader;
    tlsrpt_reader_conf_t         conf;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    r = collect->request;
    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    reader = ngx_http_tlsrpt_reader(r);
    if (reader == NULL) {
        return ngx_http_tlsrpt_collect_fail(collect,
                                            NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "out of memory");
    }

    if (ngx_http_tlsrpt_body_size(r) > (off_t) tlcf->max_report_size) {
        return ngx_http_tlsrpt_collect_fail(collect,
                                 NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    conf.max_size = tlcf->max_report_size;
    conf.domain = ngx_http_tlsrpt_collect_default(collect);

    tlsrpt_reader_reset(reader, &conf);

    switch (ngx_http_tlsrpt_body_feed(r, reader)) {

    case NGX_OK:
        break;

    case NGX_ERROR:
        return ngx_http_tlsrpt_collect_fail(collect,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR,
                                              "the body cannot be read back");

    default: /* NGX_DECLINED */
        return ngx_http_tlsrpt_collect_reject(collect,
                                              tlsrpt_reader_error(reader));
    }

    if (tlsrpt_reader_finish(reader, report) != TLSRPT_OK) {
        return ngx_http_tlsrpt_collect_reject(collect,
                                              tlsrpt_reader_error(reader));
    }

    return ngx_http_tlsrpt_collect_check(collect, *report);
}


/* Of a report that can be read, the names are told, whatever becomes of it. */

static ngx_int_t
ngx_http_tlsrpt_collect_check(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_collect_name(collect, report) != NGX_OK) {
        return ngx_http_tlsrpt_collect_fail(collect,
                                            NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "out of memory");
    }

    ngx_memzero(&error, sizeof(tlsrpt_error_t));

    if (tlsrpt_report_check_range(report, ngx_time(),
                                  (unsigned) collect->tmcf->retention_days,
                                  &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_collect_reject(collect, &error);
    }

    return NGX_OK;
}


/* Of policies that name no domain: the token's, else that of the header
   (RFC 8460 5.3). */

static tlsrpt_str_t
ngx_http_tlsrpt_collect_default(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_uint_t        i;
    tlsrpt_str_t      domain;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("TLS-Report-Domain");

    domain.data = NULL;
    domain.len = 0;

    if (collect->domain) {
        domain.data = (const char *) collect->domain->name.data;
        domain.len = collect->domain->name.len;
        return domain;
    }

    for (part = &collect->request->headers_in.headers.part;
         part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                domain.data = (const char *) h[i].value.data;
                domain.len = h[i].value.len;
                return domain;
            }
        }
    }

    return domain;
}


/* report -> what the answer says of it, but for what Redis will say */

static ngx_int_t
ngx_http_tlsrpt_collect_describe(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    ngx_int_t  naccepted;

    collect->ndomains = report->ndomains;

    naccepted = ngx_http_tlsrpt_collect_domains(collect, report);

    if (naccepted == 0) {
        return ngx_http_tlsrpt_collect_unaccepted(collect, report);
    }

    if (naccepted == (ngx_int_t) report->ndomains && report->nwarnings == 0) {
        ngx_str_set(&collect->warnings, "[]");
        return NGX_OK;
    }

    if (naccepted == NGX_ERROR
        || ngx_http_tlsrpt_collect_warnings(collect, report) != NGX_OK)
    {
        return ngx_http_tlsrpt_collect_fail(collect,
                                            NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "out of memory");
    }

    return NGX_OK;
}


/* For the variables. */

static ngx_int_t
ngx_http_tlsrpt_collect_name(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    ngx_http_request_t     *r;
    ngx_http_tlsrpt_ctx_t  *ctx;

    r = collect->request;
    ctx = collect->ctx;

    if (ctx->organization.data || ctx->report_id.data) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_collect_copy(r, &ctx->organization,
                                     report->organization_name)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_tlsrpt_collect_copy(r, &ctx->report_id,
                                        report->report_id);
}


static ngx_int_t
ngx_http_tlsrpt_collect_copy(ngx_http_request_t *r, ngx_str_t *to,
    tlsrpt_str_t from)
{
    if (from.data == NULL) {
        return NGX_OK;
    }

    to->data = ngx_pnalloc(r->pool, from.len + 1);
    if (to->data == NULL) {
        return NGX_ERROR;
    }

    to->len = from.len;
    ngx_memcpy(to->data, from.data, from.len);

    return NGX_OK;
}


/* The accepted ones, with commas between them.  How many, or NGX_ERROR. */

static ngx_int_t
ngx_http_tlsrpt_collect_domains(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    u_char        *p;
    size_t         i, len;
    ngx_str_t     *list;
    ngx_int_t      naccepted;
    tlsrpt_str_t  *name;

    for (len = 0, i = 0; i < report->ndomains; i++) {
        len += report->domains[i].len + 1;
    }

    p = ngx_pnalloc(collect->request->pool, len + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    list = &collect->ctx->domain;
    list->data = p;
    naccepted = 0;

    for (i = 0; i < report->ndomains; i++) {
        name = &report->domains[i];

        if (ngx_http_tlsrpt_collect_accepted(collect, *name)) {
            if (naccepted++) {
                *p++ = ',';
            }

            p = ngx_cpymem(p, name->data, name->len);
        }
    }

    list->len = (size_t) (p - list->data);

    if (list->len == 0) {
        list->data = NULL;
    }

    return naccepted;
}


static ngx_int_t
ngx_http_tlsrpt_collect_unaccepted(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    tlsrpt_error_t  error;

    ngx_memzero(&error, sizeof(tlsrpt_error_t));
    error.code = TLSRPT_ERR_NOT_ACCEPTED;

    if (report->ndomains) {
        ngx_snprintf((u_char *) error.detail, TLSRPT_DETAIL_LEN - 1,
                     "%*s%s", report->domains[0].len, report->domains[0].data,
                     report->ndomains > 1 ? ", ..." : "");
    }

    return ngx_http_tlsrpt_collect_reject(collect, &error);
}


static ngx_int_t
ngx_http_tlsrpt_collect_warnings(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    size_t   len;
    json_t  *list;
    u_char  *p;

    list = ngx_http_tlsrpt_collect_list(collect, report);
    if (list == NULL) {
        return NGX_ERROR;
    }

    len = json_dumpb(list, NULL, 0, JSON_COMPACT);
    p = ngx_pnalloc(collect->request->pool, len);

    if (p != NULL && json_dumpb(list, (char *) p, len, JSON_COMPACT) == len) {
        collect->warnings.data = p;
        collect->warnings.len = len;
    }

    json_decref(list);

    return collect->warnings.data ? NGX_OK : NGX_ERROR;
}


/* The warnings of the report, and the domains that are not accepted. */

static json_t *
ngx_http_tlsrpt_collect_list(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    json_t  *list;
    size_t   i;

    list = tlsrpt_report_warnings_json(report);

    for (i = 0; list != NULL && i < report->ndomains; i++) {
        if (!ngx_http_tlsrpt_collect_accepted(collect, report->domains[i])
            && json_array_append_new(list,
                                  ngx_http_tlsrpt_collect_warning(report, i))
               != 0)
        {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static json_t *
ngx_http_tlsrpt_collect_warning(const tlsrpt_report_t *report,
    ngx_uint_t domain)
{
    u_char         path[TLSRPT_PATH_LEN], message[TLSRPT_DETAIL_LEN + 64];
    size_t         i;
    tlsrpt_str_t  *name;

    name = &report->domains[domain];

    for (i = 0; i < report->npolicies; i++) {
        if (report->policies[i].domain == domain) {
            break;
        }
    }

    *ngx_snprintf(path, sizeof(path) - 1, "policies[%uz].policy.policy-domain",
                  i) = '\0';
    *ngx_snprintf(message, sizeof(message) - 1,
                  "reports for %*s are not accepted here, not counted",
                  name->len, name->data) = '\0';

    return json_pack("{s:s, s:s, s:s}", "path", path,
                     "section", "RFC 8460 4.4", "message", message);
}


/* A domain with a token is reported on with this token, or one of a domain
   above it. */

static ngx_uint_t
ngx_http_tlsrpt_collect_accepted(ngx_http_tlsrpt_collect_t *collect,
    tlsrpt_str_t name)
{
    tlsrpt_str_t               within;
    ngx_http_tlsrpt_domain_t  *domain;

    if (collect->domain) {
        within.data = (const char *) collect->domain->name.data;
        within.len = collect->domain->name.len;

        return tlsrpt_domain_within(name, within) != 0;
    }

    domain = ngx_http_tlsrpt_domain_find(&collect->tmcf->accepted, name.data,
                                         name.len);

    if (domain) {
        return domain->token.len == 0;
    }

    return ngx_http_tlsrpt_domain_accepted(collect->request, name.data,
                                           name.len);
}


/* report -> Redis */

static ngx_int_t
ngx_http_tlsrpt_collect_send(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    ngx_int_t     rc;
    ngx_uint_t    before;
    tlsrpt_str_t  name;

    if (collect->tmcf->report_days && collect->original.data == NULL
        && ngx_http_tlsrpt_body_text(collect->request, &collect->original)
           != NGX_OK)
    {
        return ngx_http_tlsrpt_collect_fail(collect,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR,
                                              "the body cannot be read back");
    }

    for ( /* void */ ; collect->next < collect->ndomains; collect->next++) {
        name = report->domains[collect->next];

        if (!ngx_http_tlsrpt_collect_accepted(collect, name)) {
            continue;
        }

        before = collect->pending;

        rc = ngx_http_tlsrpt_collect_send_domain(collect, report,
                                                 collect->next);

        if (rc == NGX_BUSY && before) {
            /* goes on when what is pending is answered */
            return NGX_OK;
        }

        if (rc != NGX_OK) {
            return ngx_http_tlsrpt_collect_fail(collect,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              "too much is in flight, or "
                                              "Redis is away");
        }
    }

    return NGX_OK;
}


/*
 * The index names the domains.  A domain is put there with the first report of
 * each day, and with a duplicate: what was counted by somebody who could not go
 * on to the index is sent again.
 */

static ngx_int_t
ngx_http_tlsrpt_collect_send_index(ngx_http_tlsrpt_collect_t *collect)
{
    size_t        argvlen[2 + 2 * TLSRPT_MAX_DOMAINS];
    u_char       *p, *last, *name;
    ngx_int_t     rc;
    ngx_uint_t    argc;
    const char   *argv[2 + 2 * TLSRPT_MAX_DOMAINS];

    argv[0] = "ZADD";
    argvlen[0] = sizeof("ZADD") - 1;
    argc = 2;

    name = collect->ctx->domain.data;
    last = name + collect->ctx->domain.len;

    for ( /* void */ ; name < last; name = p + 1) {
        p = ngx_strlchr(name, last, ',');
        if (p == NULL) {
            p = last;
        }

        argv[argc] = "0";
        argvlen[argc++] = 1;
        argv[argc] = (char *) name;
        argvlen[argc++] = p - name;
    }

    rc = ngx_http_tlsrpt_collect_send_key(collect, argc, argv, argvlen,
                                          ngx_http_tlsrpt_collect_indexed);

    if (rc == NGX_OK && ngx_time() >= collect->tmcf->index_due) {
        ngx_http_tlsrpt_collect_send_keep(collect);
    }

    return rc;
}


/* As every key, the index expires, though not while reports come. */

static void
ngx_http_tlsrpt_collect_send_keep(ngx_http_tlsrpt_collect_t *collect)
{
    u_char                        seconds[NGX_TIME_T_LEN];
    ngx_int_t                     rc;
    const char                   *argv[3] = { "EXPIRE", NULL, NULL };
    size_t                        argvlen[3] = { 6, 0, 0 };
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = collect->tmcf;

    argv[2] = (char *) seconds;
    argvlen[2] = (size_t) (ngx_sprintf(seconds, "%T",
                                       (time_t) (tmcf->retention_days + 1)
                                       * 86400)
                           - seconds);

    rc = ngx_http_tlsrpt_collect_send_key(collect, 3, argv, argvlen,
                                          ngx_http_tlsrpt_collect_kept);

    /* where it could not be sent, the next name does it */

    tmcf->index_due = (rc == NGX_OK)
                      ? ngx_time() + NGX_HTTP_TLSRPT_COLLECT_INDEX : 0;
}


/* The second argument is the index's key. */

static ngx_int_t
ngx_http_tlsrpt_collect_send_key(ngx_http_tlsrpt_collect_t *collect,
    size_t argc, const char **argv, size_t *argvlen,
    ngx_http_tlsrpt_redis_handler_pt handler)
{
    u_char            key[NGX_HTTP_TLSRPT_REDIS_PREFIX_LEN
                          + sizeof(":domains")];
    ngx_int_t         rc;
    tlsrpt_command_t  command = { argc, argv, argvlen, 1, 0 };

    argv[1] = (char *) key;
    argvlen[1] = (size_t) (ngx_sprintf(key, "%V:domains",
                                       &collect->tmcf->redis.prefix)
                           - key);

    rc = ngx_http_tlsrpt_redis_send(collect->tmcf->client, &command, handler,
                                    collect);
    if (rc == NGX_OK) {
        collect->pending++;
    }

    return rc;
}


static ngx_int_t
ngx_http_tlsrpt_collect_send_domain(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report, ngx_uint_t domain)
{
    ngx_int_t                     rc;
    tlsrpt_ingest_t               ingest;
    tlsrpt_command_t             *command;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = collect->tmcf;

    ngx_memzero(&ingest, sizeof(tlsrpt_ingest_t));

    ingest.prefix.data = (const char *) tmcf->redis.prefix.data;
    ingest.prefix.len = tmcf->redis.prefix.len;
    ingest.now = ngx_time();
    ingest.retention_days = (unsigned) tmcf->retention_days;
    ingest.report_days = (unsigned) tmcf->report_days;
    ingest.via = TLSRPT_VIA_HTTPS;
    ingest.original.data = (const char *) collect->original.data;
    ingest.original.len = collect->original.len;

    command = tlsrpt_ingest_command(report, (unsigned) domain, &ingest);
    if (command == NULL) {
        return NGX_ERROR;
    }

    rc = ngx_http_tlsrpt_redis_send(tmcf->client, command,
                                    ngx_http_tlsrpt_collect_ingested, collect);
    tlsrpt_command_destroy(command);

    if (rc == NGX_OK) {
        collect->pending++;
    }

    return rc;
}


static void
ngx_http_tlsrpt_collect_indexed(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_collect_t  *collect = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        collect->failed++;

    } else if (reply->integer) {
        /* a new name: the index may be new, and not expire */
        ngx_http_tlsrpt_collect_send_keep(collect);
    }

    ngx_http_tlsrpt_collect_replied(collect);
}


static void
ngx_http_tlsrpt_collect_kept(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_collect_t  *collect = data;

    if (reply == NULL || reply->type != TLSRPT_REPLY_INTEGER) {
        collect->failed++;
    }

    ngx_http_tlsrpt_collect_replied(collect);
}


static void
ngx_http_tlsrpt_collect_ingested(void *data, const tlsrpt_reply_t *reply,
    ngx_uint_t why)
{
    ngx_http_tlsrpt_collect_t  *collect = data;

    switch (reply && reply->type == TLSRPT_REPLY_INTEGER ? reply->integer : -1)
    {
    case TLSRPT_INGEST_STORED:
        collect->stored++;
        break;

    case TLSRPT_INGEST_FIRST:
        collect->stored++;
        collect->unindexed = 1;
        break;

    case TLSRPT_INGEST_DUPLICATE:
        collect->unindexed = 1;
        break;

    default:
        collect->failed++;
    }

    ngx_http_tlsrpt_collect_replied(collect);
}


static void
ngx_http_tlsrpt_collect_replied(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    if (--collect->pending) {
        return;
    }

    r = collect->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rc = ngx_http_tlsrpt_collect_go_on(collect);

    if (rc == NGX_DONE) {
        return;
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_tlsrpt_collect_go_on(ngx_http_tlsrpt_collect_t *collect)
{
    if (collect->failed == 0 && collect->next < collect->ndomains) {
        return ngx_http_tlsrpt_collect_report(collect);
    }

    if (collect->failed == 0 && collect->unindexed) {
        collect->unindexed = 0;

        if (ngx_http_tlsrpt_collect_send_index(collect) == NGX_OK) {
            return NGX_DONE;
        }

        collect->failed++;
    }

    return ngx_http_tlsrpt_collect_answer(collect);
}


static ngx_int_t
ngx_http_tlsrpt_collect_answer(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_str_t   text;
    ngx_uint_t  status;

    if (collect->failed) {
        (void) ngx_http_tlsrpt_collect_fail(collect,
                                            NGX_HTTP_SERVICE_UNAVAILABLE,
                                            "Redis is away");
        return ngx_http_tlsrpt_collect_refused(collect);
    }

    if (collect->stored) {
        status = NGX_HTTP_CREATED;
        ngx_http_tlsrpt_collect_became(collect->ctx, NGX_HTTP_TLSRPT_STORED);

    } else {
        status = NGX_HTTP_OK;
        ngx_http_tlsrpt_collect_became(collect->ctx,
                                       NGX_HTTP_TLSRPT_DUPLICATE);
    }

    if (ngx_http_tlsrpt_collect_text(collect, &collect->ctx->status, &text)
        != NGX_OK)
    {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return ngx_http_tlsrpt_send(collect->request, status, "application/json",
                                text.data, text.len);
}


/* By hand: a tree and its dump by jansson are a tenth of what all else takes
   for a report. */

static ngx_int_t
ngx_http_tlsrpt_collect_text(ngx_http_tlsrpt_collect_t *collect,
    const ngx_str_t *status, ngx_str_t *text)
{
    u_char                 *p;
    size_t                  len;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = collect->ctx;

    len = sizeof("{\"status\":\"\",\"report-id\":null,\"policy-domains\":[],"
                 "\"warnings\":}")
          + status->len + 6 * ctx->report_id.len    /* all of it as \u001F */
          + ctx->domain.len + 2 * collect->ndomains + collect->warnings.len;

    p = ngx_pnalloc(collect->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    p = ngx_cpymem(p, "{\"status\":\"", sizeof("{\"status\":\"") - 1);
    p = ngx_cpymem(p, status->data, status->len);
    p = ngx_cpymem(p, "\",\"report-id\":", sizeof("\",\"report-id\":") - 1);
    p = ngx_http_tlsrpt_collect_text_id(p, &ctx->report_id);
    p = ngx_cpymem(p, ",\"policy-domains\":[",
                   sizeof(",\"policy-domains\":[") - 1);
    p = ngx_http_tlsrpt_collect_text_domains(p, &ctx->domain);
    p = ngx_cpymem(p, "],\"warnings\":", sizeof("],\"warnings\":") - 1);
    p = ngx_cpymem(p, collect->warnings.data, collect->warnings.len);
    *p++ = '}';

    text->len = (size_t) (p - text->data);

    return NGX_OK;
}


static u_char *
ngx_http_tlsrpt_collect_text_id(u_char *p, ngx_str_t *id)
{
    if (id->data == NULL) {
        return ngx_cpymem(p, "null", sizeof("null") - 1);
    }

    *p++ = '"';
    p = (u_char *) ngx_escape_json(p, id->data, id->len);
    *p++ = '"';

    return p;
}


/* There are names between the commas, and nothing to escape. */

static u_char *
ngx_http_tlsrpt_collect_text_domains(u_char *p, ngx_str_t *domains)
{
    size_t  i;

    *p++ = '"';

    for (i = 0; i < domains->len; i++) {
        if (domains->data[i] == ',') {
            p = ngx_cpymem(p, "\",\"", sizeof("\",\"") - 1);

        } else {
            *p++ = domains->data[i];
        }
    }

    *p++ = '"';

    return p;
}


/* Refusing */

static ngx_int_t
ngx_http_tlsrpt_collect_fail(ngx_http_tlsrpt_collect_t *collect,
    ngx_uint_t status, const char *detail)
{
    collect->status = status;
    collect->detail = detail;

    return NGX_DECLINED;
}


/* The error is the reader's, or the caller's: a copy. */

static ngx_int_t
ngx_http_tlsrpt_collect_reject(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_error_t *error)
{
    collect->error = ngx_palloc(collect->request->pool,
                                sizeof(tlsrpt_error_t));
    if (collect->error) {
        *collect->error = *error;
    }

    return ngx_http_tlsrpt_collect_fail(collect,
                                        tlsrpt_error_status(error->code),
                                        tlsrpt_error_text(error->code));
}


static ngx_int_t
ngx_http_tlsrpt_collect_refused(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = collect->request;

    ngx_http_tlsrpt_collect_detach(collect);

    if (collect->error == NULL) {
        return ngx_http_tlsrpt_collect_refuse(r, collect->status,
                                              collect->detail);
    }

    rc = ngx_http_tlsrpt_collect_status(r, collect->status);

    return (rc == NGX_OK) ? ngx_http_tlsrpt_problem_error(r, collect->error)
                          : rc;
}


static ngx_int_t
ngx_http_tlsrpt_collect_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_collect_status(r, status);

    return (rc == NGX_OK) ? ngx_http_tlsrpt_problem(r, status, detail) : rc;
}


/* What is left of the body is not wanted. */

static ngx_int_t
ngx_http_tlsrpt_collect_status(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_tlsrpt_collect_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_tlsrpt_collect_became(ctx,
                                   status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                                   ? NGX_HTTP_TLSRPT_FAILED
                                   : NGX_HTTP_TLSRPT_REJECTED);

    /* nothing will be sent that a client could wait for (RFC 9110 10.1.1) */
    r->expect_tested = 1;

    return ngx_http_discard_request_body(r);
}


/* For $tlsrpt_status and the metrics. */

static void
ngx_http_tlsrpt_collect_became(ngx_http_tlsrpt_ctx_t *ctx, ngx_uint_t status)
{
    ctx->status = ngx_http_tlsrpt_statuses[status];
    ngx_http_tlsrpt_count_collect(status);
}


static ngx_http_tlsrpt_ctx_t *
ngx_http_tlsrpt_collect_ctx(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_ctx_t));

        if (ctx != NULL) {
            ngx_http_set_ctx(r, ctx, ngx_http_tlsrpt_module);
        }
    }

    return ctx;
}
