/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_scope.h"


static ngx_http_tlsrpt_scope_t *ngx_http_tlsrpt_scope(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_scope_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_scope_name(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, u_char *name, size_t len);


ngx_uint_t
ngx_http_tlsrpt_scope_is_all(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_scope_t  *scope;

    scope = ngx_http_tlsrpt_scope(r);

    return scope && scope->all;
}


ngx_array_t *
ngx_http_tlsrpt_scope_names(ngx_http_request_t *r)
{
    ngx_uint_t                     i;
    ngx_http_tlsrpt_scope_t       *scope;
    ngx_http_tlsrpt_scope_name_t  *names;

    scope = ngx_http_tlsrpt_scope(r);

    if (scope == NULL || scope->all) {
        return NULL;
    }

    names = scope->names.elts;

    for (i = 0; i < scope->names.nelts; i++) {
        if (names[i].subdomains) {
            return NULL;
        }
    }

    return &scope->names;
}


ngx_uint_t
ngx_http_tlsrpt_scope_takes(ngx_http_request_t *r, tlsrpt_str_t domain)
{
    ngx_uint_t                     i;
    tlsrpt_str_t                   name;
    ngx_http_tlsrpt_scope_t       *scope;
    ngx_http_tlsrpt_scope_name_t  *names;

    scope = ngx_http_tlsrpt_scope(r);

    if (scope == NULL || scope->all) {
        return scope != NULL;
    }

    names = scope->names.elts;

    for (i = 0; i < scope->names.nelts; i++) {
        name.data = (char *) names[i].name.data;
        name.len = names[i].name.len;

        if (names[i].subdomains
            ? tlsrpt_domain_within(domain, name)
            : domain.len == name.len
              && ngx_memcmp(domain.data, name.data, name.len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_tlsrpt_visible(ngx_http_request_t *r, tlsrpt_str_t domain,
    ngx_uint_t reported)
{
    return ngx_http_tlsrpt_scope_takes(r, domain)
           && (reported || ngx_http_tlsrpt_domain_accepted(r, domain.data,
                                                           domain.len));
}


/* NULL: out of memory, or its value is not to be had; then nothing is
   visible. */

static ngx_http_tlsrpt_scope_t *
ngx_http_tlsrpt_scope(ngx_http_request_t *r)
{
    ngx_str_t                    value;
    ngx_http_tlsrpt_ctx_t       *ctx;
    ngx_http_tlsrpt_scope_t     *scope;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    ctx = ngx_http_tlsrpt_ctx(r);
    if (ctx == NULL) {
        return NULL;
    }

    if (ctx->scope) {
        return ctx->scope;
    }

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    scope = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_scope_t));
    if (scope == NULL) {
        return NULL;
    }

    if (tlcf->scope == NULL) {
        scope->all = 1;

    } else if (ngx_http_complex_value(r, tlcf->scope, &value) != NGX_OK
               || ngx_http_tlsrpt_scope_read(r, scope, &value) != NGX_OK)
    {
        return NULL;
    }

    ctx->scope = scope;

    return scope;
}


static ngx_int_t
ngx_http_tlsrpt_scope_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_str_t *value)
{
    u_char  *p, *last, *name;

    if (ngx_array_init(&scope->names, r->pool, 4,
                       sizeof(ngx_http_tlsrpt_scope_name_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = value->data;
    last = p + value->len;

    if (value->len == 1 && *p == '*') {
        scope->all = 1;
        return NGX_OK;
    }

    while (p < last) {

        if (*p == ' ' || *p == ',') {
            p++;
            continue;
        }

        for (name = p; p < last && *p != ' ' && *p != ','; p++) {
            /* void */
        }

        if (ngx_http_tlsrpt_scope_name(r, scope, name, p - name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_scope_name(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, u_char *text, size_t len)
{
    ngx_uint_t                     subdomains;
    ngx_http_tlsrpt_scope_name_t  *name;

    subdomains = (len > 1 && *text == '.');

    name = ngx_array_push(&scope->names);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->subdomains = subdomains;
    name->name.data = ngx_pnalloc(r->pool, TLSRPT_DOMAIN_LEN + 1);
    if (name->name.data == NULL) {
        return NGX_ERROR;
    }

    name->name.len = tlsrpt_domain_normalize((char *) text + subdomains,
                                             len - subdomains,
                                             (char *) name->name.data);

    if (name->name.len == 0) {
        ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                      "\"tlsrpt_scope\": \"%*s\" is not a domain name",
                      len, text);
        scope->names.nelts--;
    }

    return NGX_OK;
}
