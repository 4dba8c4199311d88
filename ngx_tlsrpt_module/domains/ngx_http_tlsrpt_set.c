/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_index.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_set.h"


#define NGX_HTTP_TLSRPT_SET_PIECE  500
#define NGX_HTTP_TLSRPT_SET_POOL   16384


static ngx_int_t ngx_http_tlsrpt_set_name(ngx_http_tlsrpt_set_t *set,
    ngx_http_tlsrpt_member_t *member);
static const tlsrpt_command_t *ngx_http_tlsrpt_set_ask(
    ngx_http_tlsrpt_set_t *set);
static const tlsrpt_reply_t *ngx_http_tlsrpt_set_scanned(
    ngx_http_tlsrpt_set_t *set, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_set_add(ngx_http_tlsrpt_set_t *set,
    const tlsrpt_reply_t *name, const tlsrpt_reply_t *score);


void
ngx_http_tlsrpt_set_begin(ngx_http_tlsrpt_set_t *set, ngx_http_request_t *r,
    ngx_http_tlsrpt_set_key_pt key, ngx_uint_t ranked, ngx_uint_t pending)
{
    ngx_http_tlsrpt_set_end(set);
    ngx_memzero(set, sizeof(ngx_http_tlsrpt_set_t));

    set->request = r;
    set->key = key;
    set->names = ngx_http_tlsrpt_scope_names(r, pending);

    if (!ranked) {
        set->cursor[0] = '0';
        set->cursor_len = 1;
    }
}


ngx_int_t
ngx_http_tlsrpt_set_next(ngx_http_tlsrpt_set_t *set,
    ngx_http_tlsrpt_member_t *member, const tlsrpt_command_t **command)
{
    ngx_http_tlsrpt_member_t  *members;

    if (set->names) {
        return ngx_http_tlsrpt_set_name(set, member);
    }

    members = set->piece.elts;

    if (set->n < set->piece.nelts) {
        *member = members[set->n++];
        return NGX_OK;
    }

    if (set->asked || set->over) {
        return NGX_DONE;
    }

    set->asked = 1;
    *command = ngx_http_tlsrpt_set_ask(set);

    return NGX_AGAIN;
}


/* Of the scope; one that is given twice comes twice. */

static ngx_int_t
ngx_http_tlsrpt_set_name(ngx_http_tlsrpt_set_t *set,
    ngx_http_tlsrpt_member_t *member)
{
    ngx_http_tlsrpt_scope_name_t  *names;

    if (set->n == set->names->nelts) {
        return NGX_DONE;
    }

    names = set->names->elts;

    member->name = names[set->n++].name;
    member->score = NGX_HTTP_TLSRPT_NO_SCORE;

    return NGX_OK;
}


static const tlsrpt_command_t *
ngx_http_tlsrpt_set_ask(ngx_http_tlsrpt_set_t *set)
{
    set->key(&set->read.key, ngx_http_tlsrpt_prefix(set->request));

    if (set->cursor_len == 0) {
        tlsrpt_key_ask(&set->read, "ZREVRANGE");
        tlsrpt_key_ask_number(&set->read, (long long) set->rank);
        tlsrpt_key_ask_number(&set->read, (long long) set->rank
                                          + NGX_HTTP_TLSRPT_SET_PIECE - 1);
        tlsrpt_key_ask_for(&set->read, "WITHSCORES", 10);

    } else {
        tlsrpt_key_ask(&set->read, "ZSCAN");
        tlsrpt_key_ask_for(&set->read, (char *) set->cursor, set->cursor_len);
        tlsrpt_key_ask_for(&set->read, "COUNT", 5);
        tlsrpt_key_ask_number(&set->read, NGX_HTTP_TLSRPT_SET_PIECE);
    }

    return &set->read.command;
}


ngx_int_t
ngx_http_tlsrpt_set_reply(ngx_http_tlsrpt_set_t *set,
    const tlsrpt_reply_t *reply)
{
    size_t  i;

    set->asked = 0;

    if (set->cursor_len) {
        reply = ngx_http_tlsrpt_set_scanned(set, reply);

    } else {
        set->over = reply->nelements < 2 * NGX_HTTP_TLSRPT_SET_PIECE;
        set->rank += NGX_HTTP_TLSRPT_SET_PIECE;
    }

    ngx_http_tlsrpt_set_end(set);

    if (reply == NULL) {
        return NGX_OK;
    }

    set->pool = ngx_create_pool(NGX_HTTP_TLSRPT_SET_POOL,
                                set->request->connection->log);

    if (set->pool == NULL
        || ngx_array_init(&set->piece, set->pool, reply->nelements / 2 + 1,
                          sizeof(ngx_http_tlsrpt_member_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0; i + 1 < reply->nelements; i += 2) {
        if (ngx_http_tlsrpt_set_add(set, reply->elements[i],
                                    reply->elements[i + 1])
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* ZSCAN answers with the next cursor, 0 at the end, and the members. */

static const tlsrpt_reply_t *
ngx_http_tlsrpt_set_scanned(ngx_http_tlsrpt_set_t *set,
    const tlsrpt_reply_t *reply)
{
    const tlsrpt_reply_t  *cursor;

    set->over = 1;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2) {
        return NULL;
    }

    cursor = reply->elements[0];

    if (cursor->type == TLSRPT_REPLY_STRING && cursor->len
        && cursor->len <= sizeof(set->cursor))
    {
        ngx_memcpy(set->cursor, cursor->str, cursor->len);
        set->cursor_len = cursor->len;
        set->over = cursor->len == 1 && cursor->str[0] == '0';
    }

    return reply->elements[1];
}


/* Copies the name, if it is one and the viewer may see it. */

static ngx_int_t
ngx_http_tlsrpt_set_add(ngx_http_tlsrpt_set_t *set, const tlsrpt_reply_t *name,
    const tlsrpt_reply_t *score)
{
    char                       text[32];
    size_t                     len;
    tlsrpt_str_t               domain;
    ngx_http_tlsrpt_member_t  *member;

    domain.data = name->str;
    domain.len = name->len;

    if (name->type != TLSRPT_REPLY_STRING || score->type != TLSRPT_REPLY_STRING
        || !ngx_http_tlsrpt_index_is_domain(domain.data, domain.len)
        || !ngx_http_tlsrpt_visible(set->request, domain, 1))
    {
        return NGX_OK;
    }

    /* there is room for all */
    member = ngx_array_push(&set->piece);

    len = ngx_min(score->len, sizeof(text) - 1);
    ngx_memcpy(text, score->str, len);
    text[len] = '\0';

    member->score = strtod(text, NULL);
    member->name.len = domain.len;
    member->name.data = ngx_pnalloc(set->pool, domain.len);
    if (member->name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(member->name.data, domain.data, domain.len);

    return NGX_OK;
}


void
ngx_http_tlsrpt_set_end(ngx_http_tlsrpt_set_t *set)
{
    if (set->pool) {
        ngx_destroy_pool(set->pool);
        set->pool = NULL;
    }

    set->piece.nelts = 0;
    set->n = 0;
}
