/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_scope.h"
#include "tlsrpt_enrolment.h"


static ngx_http_tlsrpt_scope_t *ngx_http_tlsrpt_scope(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_scope_owned(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_array_t *all, ngx_uint_t pending);
static ngx_uint_t ngx_http_tlsrpt_scope_named(ngx_http_tlsrpt_scope_t *scope,
    tlsrpt_str_t domain);
static ngx_uint_t ngx_http_tlsrpt_scope_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, tlsrpt_str_t domain, time_t *proved);
static ngx_int_t ngx_http_tlsrpt_scope_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_str_t *value);
static ngx_int_t ngx_http_tlsrpt_scope_word(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, u_char *text, size_t len);
static ngx_int_t ngx_http_tlsrpt_scope_add_owner(
    ngx_http_tlsrpt_scope_t *scope, u_char *name, size_t len);
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
ngx_http_tlsrpt_scope_names(ngx_http_request_t *r, ngx_uint_t pending)
{
    ngx_uint_t                     i;
    ngx_array_t                   *all;
    ngx_http_tlsrpt_scope_t       *scope;
    ngx_http_tlsrpt_scope_name_t  *names, *name;

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

    if (scope->owners.nelts == 0) {
        return &scope->names;
    }

    all = ngx_array_create(r->pool, scope->names.nelts + 16,
                           sizeof(ngx_http_tlsrpt_scope_name_t));
    if (all == NULL) {
        return NULL;
    }

    for (i = 0; i < scope->names.nelts; i++) {
        name = ngx_array_push(all);
        if (name == NULL) {
            return NULL;
        }

        *name = names[i];
    }

    return ngx_http_tlsrpt_scope_owned(r, scope, all, pending) == NGX_OK
           ? all : NULL;
}


/* Adds what the owners hold. */

static ngx_int_t
ngx_http_tlsrpt_scope_owned(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_array_t *all, ngx_uint_t pending)
{
    ngx_str_t                     *owners;
    ngx_uint_t                     i, k;
    ngx_array_t                    owned;
    ngx_http_tlsrpt_registered_t  *e;
    ngx_http_tlsrpt_scope_name_t  *name;

    owners = scope->owners.elts;

    for (i = 0; i < scope->owners.nelts; i++) {

        if (ngx_array_init(&owned, r->pool, 16,
                           sizeof(ngx_http_tlsrpt_registered_t))
            != NGX_OK
            || ngx_http_tlsrpt_registry_owned(&owners[i], &owned) != NGX_OK)
        {
            return NGX_ERROR;
        }

        e = owned.elts;

        for (k = 0; k < owned.nelts; k++) {
            if (e[k].state == NGX_HTTP_TLSRPT_PENDING && !pending) {
                continue;
            }

            name = ngx_array_push(all);
            if (name == NULL) {
                return NGX_ERROR;
            }

            name->name = e[k].name;
            name->subdomains = 0;
        }
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_tlsrpt_scope_takes(ngx_http_request_t *r, tlsrpt_str_t domain)
{
    time_t                    proved;
    ngx_http_tlsrpt_scope_t  *scope;

    scope = ngx_http_tlsrpt_scope(r);

    if (scope == NULL || scope->all) {
        return scope != NULL;
    }

    return ngx_http_tlsrpt_scope_named(scope, domain)
           || ngx_http_tlsrpt_scope_held(r, scope, domain, &proved);
}


static ngx_uint_t
ngx_http_tlsrpt_scope_named(ngx_http_tlsrpt_scope_t *scope,
    tlsrpt_str_t domain)
{
    ngx_uint_t                     i;
    tlsrpt_str_t                   name;
    ngx_http_tlsrpt_scope_name_t  *names;

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


/* Is it held by an owner of the scope?  *proved: since when. */

static ngx_uint_t
ngx_http_tlsrpt_scope_held(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, tlsrpt_str_t domain, time_t *proved)
{
    ngx_str_t                     *owners, name;
    ngx_uint_t                     i;
    ngx_http_tlsrpt_registered_t   e;

    name.data = (u_char *) domain.data;
    name.len = domain.len;

    if (scope->owners.nelts == 0
        || ngx_http_tlsrpt_domain_configured(&name)
        || ngx_http_tlsrpt_registry_find(&name, r->pool, &e) != NGX_OK)
    {
        return 0;
    }

    owners = scope->owners.elts;

    for (i = 0; i < scope->owners.nelts; i++) {
        if (owners[i].len == e.owner.len
            && ngx_memcmp(owners[i].data, e.owner.data, e.owner.len) == 0)
        {
            *proved = e.proved;
            return 1;
        }
    }

    return 0;
}


ngx_str_t *
ngx_http_tlsrpt_scope_owner(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_scope_t  *scope;

    scope = ngx_http_tlsrpt_scope(r);

    return scope && !scope->all && scope->names.nelts == 0
           && scope->owners.nelts == 1 ? scope->owners.elts : NULL;
}


time_t
ngx_http_tlsrpt_scope_since(ngx_http_request_t *r, tlsrpt_str_t domain)
{
    time_t                    proved;
    ngx_http_tlsrpt_scope_t  *scope;

    scope = ngx_http_tlsrpt_scope(r);

    if (scope == NULL || scope->all
        || ngx_http_tlsrpt_scope_named(scope, domain)
        || !ngx_http_tlsrpt_scope_held(r, scope, domain, &proved))
    {
        return 0;
    }

    return proved;
}


ngx_uint_t
ngx_http_tlsrpt_scope_waits(ngx_http_request_t *r, tlsrpt_str_t domain,
    ngx_http_tlsrpt_registered_t *found)
{
    ngx_str_t                     *owners, name;
    ngx_uint_t                     i;
    ngx_http_tlsrpt_scope_t       *scope;
    ngx_http_tlsrpt_registered_t   e;

    scope = ngx_http_tlsrpt_scope(r);

    if (scope == NULL) {
        return 0;
    }

    name.data = (u_char *) domain.data;
    name.len = domain.len;

    owners = scope->owners.elts;

    for (i = 0; i < scope->owners.nelts; i++) {
        if (ngx_http_tlsrpt_registry_owner_has(&name, &owners[i], r->pool, &e)
            == NGX_OK)
        {
            if (found) {
                *found = e;
            }

            return e.state == NGX_HTTP_TLSRPT_PENDING;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_tlsrpt_scope_unknown(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_scope_t            *scope;
    ngx_http_tlsrpt_registry_status_t   status;

    scope = ngx_http_tlsrpt_scope(r);

    return scope && scope->owners.nelts
           && ngx_http_tlsrpt_registry_status(&status) == NGX_OK
           && !status.loaded;
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

    if (scope == NULL
        || ngx_array_init(&scope->names, r->pool, 4,
                          sizeof(ngx_http_tlsrpt_scope_name_t))
           != NGX_OK
        || ngx_array_init(&scope->owners, r->pool, 1, sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NULL;
    }

    if (tlcf->scope == NULL) {
        scope->all = 1;

    } else if (ngx_http_complex_value(r, tlcf->scope, &value) != NGX_OK
               || (tlcf->scope->value.len && tlcf->scope->value.data[0] == '@'
                   ? ngx_http_tlsrpt_scope_add_owner(scope, value.data + 1,
                                                     value.len - 1)
                   : ngx_http_tlsrpt_scope_read(r, scope, &value))
                  != NGX_OK)
    {
        return NULL;
    }

    ctx->scope = scope;

    if (scope->owners.nelts) {
        ctx->owner = *(ngx_str_t *) scope->owners.elts;
    }

    return scope;
}


static ngx_int_t
ngx_http_tlsrpt_scope_read(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, ngx_str_t *value)
{
    u_char  *p, *last, *name;

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

        if (ngx_http_tlsrpt_scope_word(r, scope, name, p - name) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_scope_word(ngx_http_request_t *r,
    ngx_http_tlsrpt_scope_t *scope, u_char *text, size_t len)
{
    return *text == '@'
           ? ngx_http_tlsrpt_scope_add_owner(scope, text + 1, len - 1)
           : ngx_http_tlsrpt_scope_name(r, scope, text, len);
}


/* What cannot be one is nobody. */

static ngx_int_t
ngx_http_tlsrpt_scope_add_owner(ngx_http_tlsrpt_scope_t *scope, u_char *name,
    size_t len)
{
    ngx_str_t     *owner;
    tlsrpt_str_t   text;

    text.data = (char *) name;
    text.len = len;

    if (!tlsrpt_owner_is_valid(text)) {
        return NGX_OK;
    }

    owner = ngx_array_push(&scope->owners);
    if (owner == NULL) {
        return NGX_ERROR;
    }

    owner->data = name;
    owner->len = len;

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
