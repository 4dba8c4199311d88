/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The request, up to the verdict on its report.
 */

#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_collect.h"
#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_send.h"


static ngx_int_t ngx_http_tlsrpt_collect_token(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t **domain);
static ngx_int_t ngx_http_tlsrpt_collect_refuse_token(ngx_http_request_t *r,
    ngx_int_t why);
static ngx_http_tlsrpt_collect_t *ngx_http_tlsrpt_collect_create(
    ngx_http_request_t *r, ngx_http_tlsrpt_domain_t *domain);
static void ngx_http_tlsrpt_collect_detach(void *data);
static ngx_int_t ngx_http_tlsrpt_collect_body(ngx_http_request_t *r);

static ngx_int_t ngx_http_tlsrpt_collect_report(
    ngx_http_tlsrpt_collect_t *collect);
static void ngx_http_tlsrpt_collect_stored(void *data,
    ngx_http_tlsrpt_verdict_e verdict);
static ngx_int_t ngx_http_tlsrpt_collect_read(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t **report);
static tlsrpt_str_t ngx_http_tlsrpt_collect_hint(
    ngx_http_tlsrpt_collect_t *collect);

static ngx_int_t ngx_http_tlsrpt_collect_prepare(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_name(ngx_http_request_t *r,
    ngx_http_tlsrpt_ctx_t *ctx, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_copy(ngx_http_request_t *r,
    ngx_str_t *to, tlsrpt_str_t from);
static ngx_int_t ngx_http_tlsrpt_collect_store(
    ngx_http_tlsrpt_collect_t *collect);
static ngx_int_t ngx_http_tlsrpt_collect_domains(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_refuse_domains(
    ngx_http_request_t *r, const tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_collect_no_memory(ngx_http_request_t *r);


ngx_int_t
ngx_http_tlsrpt_collect_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_tlsrpt_domain_t    *domain;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    if (r->internal && r->err_status >= NGX_HTTP_BAD_REQUEST) {
        /* nginx refused it, see ngx_http_tlsrpt_location_errors() */
        return ngx_http_tlsrpt_collect_refuse_nginx(r);
    }

    if (r->method != NGX_HTTP_POST) {
        if (ngx_http_tlsrpt_add_header(r, "Allow", "POST") != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_NOT_ALLOWED,
                                              "reports are sent by POST");
    }

    rc = ngx_http_tlsrpt_collect_token(r, &domain);

    if (rc != NGX_OK) {
        return ngx_http_tlsrpt_collect_refuse_token(r, rc);
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size)) {
        return ngx_http_tlsrpt_collect_refuse(r,
                                 NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    if (ngx_http_tlsrpt_collect_create(r, domain) == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_collect_body);
}


/*
 * What follows the location's name: nothing, "/", or "/TOKEN".
 * NGX_DECLINED: anything else; the rest is that of
 * ngx_http_tlsrpt_accepted_by_token().
 */

static ngx_int_t
ngx_http_tlsrpt_collect_token(ngx_http_request_t *r,
    ngx_http_tlsrpt_domain_t **domain)
{
    ngx_str_t  token;

    *domain = NULL;

    if (ngx_http_tlsrpt_location_path(r, &token) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (token.len == 0) {
        return NGX_OK;
    }

    return ngx_http_tlsrpt_accepted_by_token(r, &token, domain);
}


static ngx_int_t
ngx_http_tlsrpt_collect_refuse_token(ngx_http_request_t *r, ngx_int_t why)
{
    switch (why) {

    case NGX_DECLINED:
        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_NOT_FOUND,
                                              "unknown token");

    case NGX_BUSY:
        /* only who has read it in DNS knows it, so that it will soon be
           proved */
        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "the domain of this token is not proved "
                                       "yet");

    case NGX_AGAIN:
        return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                       "the registry of domains is not loaded");

    default:
        return ngx_http_tlsrpt_collect_no_memory(r);
    }
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

    collect->ctx = ngx_http_tlsrpt_ctx(r);
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

    ngx_http_tlsrpt_store_detach(&collect->store);
}


static ngx_int_t
ngx_http_tlsrpt_collect_body(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    rc = ngx_http_tlsrpt_collect_report(ctx->collect);

    if (rc != NGX_DONE) {
        return rc;
    }

    /* A client that goes is noticed, and its report counted all the same. */

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* What a content handler returns; NGX_DONE: Redis is asked.  Called again where
   its queue could not take all the domains at once. */

static ngx_int_t
ngx_http_tlsrpt_collect_report(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_int_t                   rc;
    const tlsrpt_report_t      *report;
    ngx_http_tlsrpt_verdict_e   verdict;

    rc = ngx_http_tlsrpt_collect_read(collect, &report);

    if (rc == NGX_DECLINED && !collect->prepared) {
        rc = ngx_http_tlsrpt_collect_prepare(collect, report);
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    verdict = ngx_http_tlsrpt_store_send(&collect->store, report);

    return verdict == NGX_HTTP_TLSRPT_STORE_PENDING
           ? NGX_DONE : ngx_http_tlsrpt_collect_answer(collect, verdict);
}


static void
ngx_http_tlsrpt_collect_stored(void *data, ngx_http_tlsrpt_verdict_e verdict)
{
    ngx_http_tlsrpt_collect_t *collect = data;

    ngx_int_t            rc;
    ngx_connection_t    *c;
    ngx_http_request_t  *r;

    r = collect->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    rc = (verdict == NGX_HTTP_TLSRPT_STORE_AGAIN)
         ? ngx_http_tlsrpt_collect_report(collect)
         : ngx_http_tlsrpt_collect_answer(collect, verdict);

    if (rc == NGX_DONE) {
        return;
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* bytes -> report.  Here and below: NGX_DECLINED goes on; anything else is what
   the answer was, a refusal. */

static ngx_int_t
ngx_http_tlsrpt_collect_read(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t **report)
{
    ngx_int_t                    rc;
    ngx_http_request_t          *r;
    tlsrpt_reader_conf_t         conf;
    const tlsrpt_error_t        *error;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    r = collect->request;
    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size)) {
        return ngx_http_tlsrpt_collect_refuse(r,
                                 NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                 tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    ngx_memzero(&conf, sizeof(tlsrpt_reader_conf_t));
    conf.max_size = tlcf->max_report_size;
    conf.keep_text = (collect->tmcf->report_days != 0);
    conf.hint = ngx_http_tlsrpt_collect_hint(collect);

    if (collect->domain) {
        conf.domain = ngx_http_tlsrpt_str(&collect->domain->name);
    }

    rc = ngx_http_tlsrpt_body_report(r, &conf, report, &error);

    if (rc == NGX_OK) {
        return NGX_DECLINED;
    }

    return error ? ngx_http_tlsrpt_collect_refuse_error(r, error)
                 : ngx_http_tlsrpt_collect_refuse(r,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR,
                                              "the body cannot be read back");
}


/* The header of RFC 8460 5.3, where it is given once. */

static tlsrpt_str_t
ngx_http_tlsrpt_collect_hint(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_uint_t        i, given;
    tlsrpt_str_t      hint;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("TLS-Report-Domain");

    given = 0;
    ngx_memzero(&hint, sizeof(tlsrpt_str_t));

    for (part = &collect->request->headers_in.headers.part;
         part;
         part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name.len
                && ngx_strncasecmp(h[i].key.data, name.data, name.len) == 0)
            {
                given++;
                hint = ngx_http_tlsrpt_str(&h[i].value);
            }
        }
    }

    if (given != 1) {
        ngx_memzero(&hint, sizeof(tlsrpt_str_t));
    }

    return hint;
}


/* report -> which domains are stored, and the warnings.  The variables get the
   names of every report that can be read, also of one that is refused. */

static ngx_int_t
ngx_http_tlsrpt_collect_prepare(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    tlsrpt_error_t       error;
    ngx_http_request_t  *r;

    r = collect->request;

    if (ngx_http_tlsrpt_collect_name(r, collect->ctx, report) != NGX_OK) {
        return ngx_http_tlsrpt_collect_no_memory(r);
    }

    ngx_memzero(&error, sizeof(tlsrpt_error_t));

    if (tlsrpt_report_check_range(report, ngx_time(),
                                  (unsigned) collect->tmcf->retention_days,
                                  &error)
        != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_collect_refuse_error(r, &error);
    }

    if (ngx_http_tlsrpt_collect_domains(collect, report) != NGX_OK) {
        return ngx_http_tlsrpt_collect_no_memory(r);
    }

    if (collect->domains.nelts == 0) {
        return ngx_http_tlsrpt_collect_refuse_domains(r, report);
    }

    if (ngx_http_tlsrpt_collect_warnings(collect, report) != NGX_OK) {
        return ngx_http_tlsrpt_collect_no_memory(r);
    }

    return ngx_http_tlsrpt_collect_store(collect);
}


static ngx_int_t
ngx_http_tlsrpt_collect_name(ngx_http_request_t *r,
    ngx_http_tlsrpt_ctx_t *ctx, const tlsrpt_report_t *report)
{
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


/* The accepted ones, with commas between them for the variable. */

static ngx_int_t
ngx_http_tlsrpt_collect_domains(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    u_char                          *p;
    size_t                           i, len;
    ngx_str_t                       *list;
    ngx_str_t                        name, below;
    ngx_http_tlsrpt_store_domain_t  *domain;

    for (len = 0, i = 0; i < report->ndomains; i++) {
        len += report->domains[i].len + 1;
    }

    p = ngx_pnalloc(collect->request->pool, len + 1);

    if (p == NULL
        || ngx_array_init(&collect->domains, collect->request->pool,
                          report->ndomains + 1,
                          sizeof(ngx_http_tlsrpt_store_domain_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    list = &collect->ctx->domain;
    list->data = p;

    for (i = 0; i < report->ndomains; i++) {
        name.data = (u_char *) report->domains[i].data;
        name.len = report->domains[i].len;

        if (!ngx_http_tlsrpt_accepted_takes(collect->request, collect->domain,
                                            &name, &below))
        {
            continue;
        }

        if (collect->domains.nelts) {
            *p++ = ',';
        }

        /* there is room for all */
        domain = ngx_array_push(&collect->domains);
        ngx_memzero(domain, sizeof(ngx_http_tlsrpt_store_domain_t));

        domain->number = i;
        domain->below = below;
        domain->name.data = p;
        domain->name.len = name.len;

        p = ngx_cpymem(p, name.data, name.len);
    }

    list->len = (size_t) (p - list->data);

    if (list->len == 0) {
        list->data = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_collect_refuse_domains(ngx_http_request_t *r,
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

    return ngx_http_tlsrpt_collect_refuse_error(r, &error);
}


static ngx_int_t
ngx_http_tlsrpt_collect_store(ngx_http_tlsrpt_collect_t *collect)
{
    ngx_str_t            original;
    ngx_http_request_t  *r;

    r = collect->request;

    ngx_str_null(&original);

    if (collect->tmcf->report_days
        && ngx_http_tlsrpt_body_text(r, &original) != NGX_OK)
    {
        return ngx_http_tlsrpt_collect_refuse(r,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR,
                                              "the body cannot be read back");
    }

    ngx_http_tlsrpt_store_init(&collect->store, collect->tmcf,
                               TLSRPT_VIA_HTTPS, ngx_time(), &original);

    collect->store.domains = &collect->domains;
    collect->store.handler = ngx_http_tlsrpt_collect_stored;
    collect->store.data = collect;

    collect->prepared = 1;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_tlsrpt_collect_no_memory(ngx_http_request_t *r)
{
    return ngx_http_tlsrpt_collect_refuse(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                          "out of memory");
}
