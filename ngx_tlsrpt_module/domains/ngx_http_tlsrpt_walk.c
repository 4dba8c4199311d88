/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_names.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_walk.h"


#define NGX_HTTP_TLSRPT_WALK_POOL  16384


static ngx_array_t *ngx_http_tlsrpt_walk_scope(ngx_http_request_t *r,
    ngx_array_t *scope);
static ngx_str_t *ngx_http_tlsrpt_walk_configured(
    ngx_http_tlsrpt_walk_t *walk);
static ngx_str_t *ngx_http_tlsrpt_walk_indexed(ngx_http_tlsrpt_walk_t *walk);
static ngx_str_t *ngx_http_tlsrpt_walk_smaller(ngx_str_t *one,
    ngx_str_t *two);
static ngx_uint_t ngx_http_tlsrpt_walk_is(ngx_str_t *one, ngx_str_t *name);
static ngx_int_t ngx_http_tlsrpt_walk_enrolled(ngx_http_tlsrpt_walk_t *walk,
    ngx_str_t **name);
static ngx_int_t ngx_http_tlsrpt_walk_piece(ngx_http_tlsrpt_walk_t *walk);
static void ngx_http_tlsrpt_walk_end_piece(ngx_http_tlsrpt_walk_t *walk);
static ngx_int_t ngx_http_tlsrpt_walk_add(ngx_http_tlsrpt_walk_t *walk,
    const tlsrpt_reply_t *name);


ngx_int_t
ngx_http_tlsrpt_walk_begin(ngx_http_tlsrpt_walk_t *walk, ngx_http_request_t *r,
    const ngx_str_t *after, ngx_uint_t piece)
{
    ngx_array_t                  *scope;
    ngx_http_tlsrpt_index_t       index;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    /* that of the last walk has a command, which the next one replaces */
    index = walk->index;

    ngx_memzero(walk, sizeof(ngx_http_tlsrpt_walk_t));

    walk->index = index;
    walk->request = r;
    walk->piece = piece;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);
    walk->configured = &tmcf->accepted.list;

    scope = ngx_http_tlsrpt_scope_names(r, 0);

    if (scope) {
        /* a scope of names alone is the list itself */

        walk->over = 1;
        walk->enrolled_over = 1;
        walk->configured = ngx_http_tlsrpt_walk_scope(r, scope);

        if (walk->configured == NULL) {
            return NGX_ERROR;
        }
    }

    walk->nconfigured = ngx_http_tlsrpt_names_after(walk->configured, after);

    walk->last.data = walk->last_data;
    walk->last.len = ngx_min(after->len, TLSRPT_DOMAIN_LEN);
    ngx_memcpy(walk->last_data, after->data, walk->last.len);

    return ngx_http_tlsrpt_index_after(r, &walk->index,
                                       ngx_http_tlsrpt_str(after), piece);
}


static ngx_array_t *
ngx_http_tlsrpt_walk_scope(ngx_http_request_t *r, ngx_array_t *scope)
{
    ngx_str_t                     *name;
    ngx_uint_t                     i;
    ngx_array_t                   *list;
    ngx_http_tlsrpt_scope_name_t  *names;

    list = ngx_array_create(r->pool, scope->nelts + 1, sizeof(ngx_str_t));
    if (list == NULL) {
        return NULL;
    }

    names = scope->elts;

    for (i = 0; i < scope->nelts; i++) {
        /* there is room for all */
        name = ngx_array_push(list);
        *name = names[i].name;
    }

    ngx_http_tlsrpt_names_sort(list);

    return list;
}


/* The smallest of the next names of all. */

ngx_int_t
ngx_http_tlsrpt_walk_next(ngx_http_tlsrpt_walk_t *walk, ngx_str_t *name,
    const tlsrpt_command_t **command)
{
    ngx_int_t   rc;
    ngx_str_t  *configured, *indexed, *enrolled, *first;

    indexed = ngx_http_tlsrpt_walk_indexed(walk);

    if (indexed == NULL && !walk->over) {
        if (walk->asked) {
            return NGX_DONE;
        }

        walk->asked = 1;
        *command = walk->index.command;

        return NGX_AGAIN;
    }

    rc = ngx_http_tlsrpt_walk_enrolled(walk, &enrolled);
    if (rc != NGX_OK) {
        return rc;
    }

    configured = ngx_http_tlsrpt_walk_configured(walk);

    first = ngx_http_tlsrpt_walk_smaller(configured, enrolled);
    first = ngx_http_tlsrpt_walk_smaller(first, indexed);

    if (first == NULL) {
        return NGX_DONE;
    }

    *name = *first;

    walk->indexed = (first == indexed);
    walk->nconfigured += ngx_http_tlsrpt_walk_is(configured, name);
    walk->nenrolled += ngx_http_tlsrpt_walk_is(enrolled, name);
    walk->nnames += ngx_http_tlsrpt_walk_is(indexed, name);

    return NGX_OK;
}


/* The first of both that are the same; NULL is none. */

static ngx_str_t *
ngx_http_tlsrpt_walk_smaller(ngx_str_t *one, ngx_str_t *two)
{
    if (one == NULL || two == NULL) {
        return one ? one : two;
    }

    return ngx_http_tlsrpt_names_order(one, two) <= 0 ? one : two;
}


static ngx_uint_t
ngx_http_tlsrpt_walk_is(ngx_str_t *one, ngx_str_t *name)
{
    return one != NULL && ngx_http_tlsrpt_names_order(one, name) == 0;
}


/* *name NULL: there is none. */

static ngx_int_t
ngx_http_tlsrpt_walk_enrolled(ngx_http_tlsrpt_walk_t *walk, ngx_str_t **name)
{
    ngx_http_tlsrpt_registered_t  *e;

    for ( ;; ) {
        e = walk->enrolled.elts;

        for ( /* void */ ; walk->nenrolled < walk->enrolled.nelts;
             walk->nenrolled++)
        {
            *name = &e[walk->nenrolled].name;

            if (ngx_http_tlsrpt_visible(walk->request,
                                        ngx_http_tlsrpt_str(*name), 1))
            {
                return NGX_OK;
            }
        }

        if (walk->enrolled_over) {
            *name = NULL;
            return NGX_OK;
        }

        if (ngx_http_tlsrpt_walk_piece(walk) != NGX_OK) {
            return NGX_ERROR;
        }
    }
}


/* The next piece of what is enrolled, in place of the last one. */

static ngx_int_t
ngx_http_tlsrpt_walk_piece(ngx_http_tlsrpt_walk_t *walk)
{
    ngx_str_t                     *last;
    ngx_http_tlsrpt_registered_t  *e;

    if (walk->enrolled_pool) {
        ngx_destroy_pool(walk->enrolled_pool);
    }

    walk->nenrolled = 0;
    walk->enrolled.nelts = 0;
    walk->enrolled_pool = ngx_create_pool(NGX_HTTP_TLSRPT_WALK_POOL,
                                          walk->request->connection->log);

    if (walk->enrolled_pool == NULL
        || ngx_array_init(&walk->enrolled, walk->enrolled_pool, walk->piece,
                          sizeof(ngx_http_tlsrpt_registered_t))
           != NGX_OK
        || ngx_http_tlsrpt_registry_next(&walk->last, walk->piece,
                                         &walk->enrolled)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    walk->enrolled_over = (walk->enrolled.nelts < walk->piece);

    if (walk->enrolled.nelts) {
        e = walk->enrolled.elts;
        last = &e[walk->enrolled.nelts - 1].name;
        walk->last.len = ngx_min(last->len, TLSRPT_DOMAIN_LEN);
        ngx_memcpy(walk->last_data, last->data, walk->last.len);
    }

    return NGX_OK;
}


static ngx_str_t *
ngx_http_tlsrpt_walk_configured(ngx_http_tlsrpt_walk_t *walk)
{
    ngx_str_t  *names;

    names = walk->configured->elts;

    for ( /* void */ ;
         walk->nconfigured < walk->configured->nelts;
         walk->nconfigured++)
    {
        if (ngx_http_tlsrpt_visible(walk->request,
                          ngx_http_tlsrpt_str(&names[walk->nconfigured]), 1))
        {
            return &names[walk->nconfigured];
        }
    }

    return NULL;
}


static ngx_str_t *
ngx_http_tlsrpt_walk_indexed(ngx_http_tlsrpt_walk_t *walk)
{
    ngx_str_t  *names;

    names = walk->names.elts;

    return walk->nnames < walk->names.nelts ? &names[walk->nnames] : NULL;
}


ngx_int_t
ngx_http_tlsrpt_walk_reply(ngx_http_tlsrpt_walk_t *walk,
    const tlsrpt_reply_t *reply)
{
    size_t     i;
    ngx_int_t  rc;

    walk->asked = 0;

    rc = ngx_http_tlsrpt_index_next(walk->request, &walk->index, reply,
                                    walk->piece);
    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    walk->over = (rc == NGX_DONE);

    ngx_http_tlsrpt_walk_end_piece(walk);

    walk->pool = ngx_create_pool(NGX_HTTP_TLSRPT_WALK_POOL,
                                 walk->request->connection->log);
    walk->nnames = 0;

    if (walk->pool == NULL
        || ngx_array_init(&walk->names, walk->pool, reply->nelements + 1,
                          sizeof(ngx_str_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i < reply->nelements; i++) {
        if (ngx_http_tlsrpt_walk_add(walk, reply->elements[i]) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* Copies the name, if it is one and the viewer may see it. */

static ngx_int_t
ngx_http_tlsrpt_walk_add(ngx_http_tlsrpt_walk_t *walk,
    const tlsrpt_reply_t *reply)
{
    ngx_str_t     *name;
    tlsrpt_str_t   domain;

    domain.data = reply->str;
    domain.len = reply->len;

    if (!ngx_http_tlsrpt_index_is_domain(domain.data, domain.len)
        || !ngx_http_tlsrpt_visible(walk->request, domain, 1))
    {
        return NGX_OK;
    }

    /* there is room for all */
    name = ngx_array_push(&walk->names);

    name->len = domain.len;
    name->data = ngx_pnalloc(walk->pool, domain.len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(name->data, domain.data, domain.len);

    return NGX_OK;
}


void
ngx_http_tlsrpt_walk_end(ngx_http_tlsrpt_walk_t *walk)
{
    ngx_http_tlsrpt_walk_end_piece(walk);

    if (walk->enrolled_pool) {
        ngx_destroy_pool(walk->enrolled_pool);
        walk->enrolled_pool = NULL;
    }
}


static void
ngx_http_tlsrpt_walk_end_piece(ngx_http_tlsrpt_walk_t *walk)
{
    if (walk->pool) {
        ngx_destroy_pool(walk->pool);
        walk->pool = NULL;
    }
}
