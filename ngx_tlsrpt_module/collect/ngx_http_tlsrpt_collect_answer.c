/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The answer to the sender of a report.
 */

#include "ngx_http_tlsrpt_collect.h"
#include "ngx_http_tlsrpt_counters.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_send.h"


static json_t *ngx_http_tlsrpt_collect_list(
    ngx_http_tlsrpt_collect_t *collect, const tlsrpt_report_t *report);
static json_t *ngx_http_tlsrpt_collect_warning(const tlsrpt_report_t *report,
    ngx_uint_t domain);
static ngx_int_t ngx_http_tlsrpt_collect_text(
    ngx_http_tlsrpt_collect_t *collect, ngx_str_t *text);
static u_char *ngx_http_tlsrpt_collect_text_id(u_char *p, ngx_str_t *id);
static u_char *ngx_http_tlsrpt_collect_text_domains(u_char *p,
    ngx_array_t *domains);
static void ngx_http_tlsrpt_collect_became(ngx_http_tlsrpt_ctx_t *ctx,
    ngx_uint_t status);
static ngx_int_t ngx_http_tlsrpt_collect_refused(ngx_http_request_t *r,
    ngx_uint_t status);


ngx_int_t
ngx_http_tlsrpt_collect_answer(ngx_http_tlsrpt_collect_t *collect,
    ngx_http_tlsrpt_verdict_e verdict)
{
    ngx_str_t   text;
    ngx_uint_t  status;

    if (verdict == NGX_HTTP_TLSRPT_STORE_NOT_TAKEN) {
        return ngx_http_tlsrpt_collect_refuse(collect->request,
                                              NGX_HTTP_SERVICE_UNAVAILABLE,
                                              collect->store.reason);
    }

    if (verdict == NGX_HTTP_TLSRPT_STORE_STORED) {
        status = NGX_HTTP_CREATED;
        ngx_http_tlsrpt_collect_became(collect->ctx, NGX_HTTP_TLSRPT_STORED);

    } else { /* NGX_HTTP_TLSRPT_STORE_DUPLICATE */
        status = NGX_HTTP_OK;
        ngx_http_tlsrpt_collect_became(collect->ctx,
                                       NGX_HTTP_TLSRPT_DUPLICATE);
    }

    if (ngx_http_tlsrpt_collect_text(collect, &text) != NGX_OK) {
        return NGX_HTTP_SERVICE_UNAVAILABLE;
    }

    return ngx_http_tlsrpt_send(collect->request, status, "application/json",
                                text.data, text.len);
}


/* By hand: a tree and its dump by jansson are a tenth of what all else takes
   for a report. */

static ngx_int_t
ngx_http_tlsrpt_collect_text(ngx_http_tlsrpt_collect_t *collect,
    ngx_str_t *text)
{
    u_char                 *p;
    size_t                  len;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = collect->ctx;

    len = sizeof("{\"status\":\"\",\"report-id\":null,\"policy-domains\":[],"
                 "\"warnings\":}")
          + ctx->status.len + 6 * ctx->report_id.len  /* all of it as \u001F */
          + ctx->domain.len + 2 * collect->domains.nelts
          + collect->warnings.len;

    p = ngx_pnalloc(collect->request->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    p = ngx_cpymem(p, "{\"status\":\"", sizeof("{\"status\":\"") - 1);
    p = ngx_cpymem(p, ctx->status.data, ctx->status.len);
    p = ngx_cpymem(p, "\",\"report-id\":", sizeof("\",\"report-id\":") - 1);
    p = ngx_http_tlsrpt_collect_text_id(p, &ctx->report_id);
    p = ngx_cpymem(p, ",\"policy-domains\":[",
                   sizeof(",\"policy-domains\":[") - 1);
    p = ngx_http_tlsrpt_collect_text_domains(p, &collect->domains);
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


/* At least one; there is nothing to escape in a name. */

static u_char *
ngx_http_tlsrpt_collect_text_domains(u_char *p, ngx_array_t *domains)
{
    ngx_uint_t                       i;
    ngx_http_tlsrpt_store_domain_t  *domain;

    domain = domains->elts;

    for (i = 0; i < domains->nelts; i++) {
        if (i) {
            *p++ = ',';
        }

        *p++ = '"';
        p = ngx_cpymem(p, domain[i].name.data, domain[i].name.len);
        *p++ = '"';
    }

    return p;
}


/* Warnings */

ngx_int_t
ngx_http_tlsrpt_collect_warnings(ngx_http_tlsrpt_collect_t *collect,
    const tlsrpt_report_t *report)
{
    size_t   len;
    json_t  *list;
    u_char  *p;

    if (collect->domains.nelts == report->ndomains && report->nwarnings == 0) {
        ngx_str_set(&collect->warnings, "[]");
        return NGX_OK;
    }

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
    json_t                          *list;
    size_t                           i;
    ngx_uint_t                       n;
    ngx_http_tlsrpt_store_domain_t  *accepted;

    accepted = collect->domains.elts;
    n = 0;

    list = tlsrpt_report_warnings_json(report);

    for (i = 0; list != NULL && i < report->ndomains; i++) {
        if (n < collect->domains.nelts && accepted[n].number == i) {
            n++;
            continue;
        }

        if (json_array_append_new(list,
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


/* Refusing */

ngx_int_t
ngx_http_tlsrpt_collect_refuse(ngx_http_request_t *r, ngx_uint_t status,
    const char *detail)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_collect_refused(r, status);

    return (rc == NGX_OK) ? ngx_http_tlsrpt_error(r, status, detail) : rc;
}


ngx_int_t
ngx_http_tlsrpt_collect_refuse_error(ngx_http_request_t *r,
    const tlsrpt_error_t *error)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_collect_refused(r, tlsrpt_error_status(error->code));

    return (rc == NGX_OK) ? ngx_http_tlsrpt_error_of(r, error) : rc;
}


ngx_int_t
ngx_http_tlsrpt_collect_refuse_nginx(ngx_http_request_t *r)
{
    ngx_int_t  rc;

    rc = ngx_http_tlsrpt_collect_refused(r, r->err_status);

    return (rc == NGX_OK) ? ngx_http_tlsrpt_error_refused(r) : rc;
}


static ngx_int_t
ngx_http_tlsrpt_collect_refused(ngx_http_request_t *r, ngx_uint_t status)
{
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_tlsrpt_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_tlsrpt_collect_became(ctx,
                                   ngx_http_tlsrpt_is_limited(r)
                                   ? NGX_HTTP_TLSRPT_LIMITED
                                   : status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                                   ? NGX_HTTP_TLSRPT_FAILED
                                   : NGX_HTTP_TLSRPT_REJECTED);

    return NGX_OK;
}


/* For $tlsrpt_status and the metrics. */

static void
ngx_http_tlsrpt_collect_became(ngx_http_tlsrpt_ctx_t *ctx, ngx_uint_t status)
{
    ctx->status = ngx_http_tlsrpt_statuses[status];
    ngx_http_tlsrpt_count_collect(status);
}
