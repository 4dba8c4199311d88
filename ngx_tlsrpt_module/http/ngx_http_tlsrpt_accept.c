/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_accept.h"


/* How precisely a range names a type. */
enum {
    NGX_HTTP_TLSRPT_ACCEPT_NOT = 0,
    NGX_HTTP_TLSRPT_ACCEPT_ANY,             /* "*" "/" "*" */
    NGX_HTTP_TLSRPT_ACCEPT_MAIN,            /* "text" "/" "*" */
    NGX_HTTP_TLSRPT_ACCEPT_EXACT
};

typedef struct {
    ngx_uint_t   precision;
    ngx_uint_t   q;                         /* in thousandths */
} ngx_http_tlsrpt_liking_t;


static void ngx_http_tlsrpt_accept_type(ngx_http_request_t *r,
    const ngx_str_t *type, ngx_http_tlsrpt_liking_t *liking);
static void ngx_http_tlsrpt_accept_line(u_char *p, u_char *last,
    const ngx_str_t *type, ngx_http_tlsrpt_liking_t *liking);
static ngx_uint_t ngx_http_tlsrpt_accept_precision(ngx_str_t *range,
    const ngx_str_t *type);
static ngx_uint_t ngx_http_tlsrpt_accept_q(u_char *p, u_char *last);
static u_char *ngx_http_tlsrpt_accept_until(u_char *p, u_char *last, u_char ch);
static void ngx_http_tlsrpt_accept_trim(ngx_str_t *s);


ngx_int_t
ngx_http_tlsrpt_accept(ngx_http_request_t *r, const ngx_str_t *types,
    ngx_uint_t ntypes)
{
    ngx_int_t                 best;
    ngx_uint_t                i;
    ngx_http_tlsrpt_liking_t  liking, first, top;

    best = NGX_DECLINED;
    ngx_memzero(&first, sizeof(ngx_http_tlsrpt_liking_t));
    ngx_memzero(&top, sizeof(ngx_http_tlsrpt_liking_t));

    for (i = 0; i < ntypes; i++) {
        ngx_http_tlsrpt_accept_type(r, &types[i], &liking);

        if (i == 0) {
            first = liking;
        }

        if (liking.q > top.q
            || (liking.q && liking.q == top.q
                && liking.precision > top.precision))
        {
            top = liking;
            best = i;
        }
    }

    if (best == NGX_DECLINED && first.precision == NGX_HTTP_TLSRPT_ACCEPT_NOT) {
        return 0;
    }

    return best;
}


static void
ngx_http_tlsrpt_accept_type(ngx_http_request_t *r, const ngx_str_t *type,
    ngx_http_tlsrpt_liking_t *liking)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    liking->precision = NGX_HTTP_TLSRPT_ACCEPT_NOT;
    liking->q = 0;

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == sizeof("accept") - 1
                && ngx_strncmp(header[i].lowcase_key, "accept",
                               sizeof("accept") - 1)
                   == 0)
            {
                ngx_http_tlsrpt_accept_line(header[i].value.data,
                                            header[i].value.data
                                            + header[i].value.len,
                                            type, liking);
            }
        }
    }
}


/* The most precise range that names the type decides (RFC 9110 12.5.1). */

static void
ngx_http_tlsrpt_accept_line(u_char *p, u_char *last, const ngx_str_t *type,
    ngx_http_tlsrpt_liking_t *liking)
{
    u_char      *end;
    ngx_str_t    range;
    ngx_uint_t   precision;

    while (p < last) {
        end = ngx_http_tlsrpt_accept_until(p, last, ',');

        range.data = p;
        range.len = ngx_http_tlsrpt_accept_until(p, end, ';') - p;
        p = range.data + range.len;
        ngx_http_tlsrpt_accept_trim(&range);

        precision = ngx_http_tlsrpt_accept_precision(&range, type);

        if (precision > liking->precision) {
            liking->precision = precision;
            liking->q = ngx_http_tlsrpt_accept_q(p, end);
        }

        p = end + 1;
    }
}


static ngx_uint_t
ngx_http_tlsrpt_accept_precision(ngx_str_t *range, const ngx_str_t *type)
{
    size_t   len;
    u_char  *slash;

    if (range->len == 3 && ngx_strncmp(range->data, "*/*", 3) == 0) {
        return NGX_HTTP_TLSRPT_ACCEPT_ANY;
    }

    if (range->len == type->len
        && ngx_strncasecmp(range->data, type->data, type->len) == 0)
    {
        return NGX_HTTP_TLSRPT_ACCEPT_EXACT;
    }

    slash = ngx_strlchr(type->data, type->data + type->len, '/');
    len = slash - type->data + 1;

    if (range->len == len + 1 && range->data[len] == '*'
        && ngx_strncasecmp(range->data, type->data, len) == 0)
    {
        return NGX_HTTP_TLSRPT_ACCEPT_MAIN;
    }

    return NGX_HTTP_TLSRPT_ACCEPT_NOT;
}


/* The weight among the parameters; 1 where there is none that is valid. */

static ngx_uint_t
ngx_http_tlsrpt_accept_q(u_char *p, u_char *last)
{
    u_char     *end;
    ngx_int_t   q;
    ngx_str_t   param;

    while (p < last) {
        p++;
        end = ngx_http_tlsrpt_accept_until(p, last, ';');

        param.data = p;
        param.len = end - p;
        ngx_http_tlsrpt_accept_trim(&param);

        if (param.len > 2 && (param.data[0] | 0x20) == 'q'
            && param.data[1] == '=')
        {
            q = ngx_atofp(param.data + 2, param.len - 2, 3);

            return (q < 0 || q > 1000) ? 1000 : (ngx_uint_t) q;
        }

        p = end;
    }

    return 1000;
}


/* Where ch is next, outside of quotes; last where it is not. */

static u_char *
ngx_http_tlsrpt_accept_until(u_char *p, u_char *last, u_char ch)
{
    ngx_uint_t  quoted;

    quoted = 0;

    for ( /* void */ ; p < last; p++) {
        if (*p == '"') {
            quoted = !quoted;

        } else if (*p == '\\' && quoted && p + 1 < last) {
            p++;

        } else if (*p == ch && !quoted) {
            break;
        }
    }

    return p;
}


static void
ngx_http_tlsrpt_accept_trim(ngx_str_t *s)
{
    while (s->len && (s->data[0] == ' ' || s->data[0] == '\t')) {
        s->data++;
        s->len--;
    }

    while (s->len
           && (s->data[s->len - 1] == ' ' || s->data[s->len - 1] == '\t'))
    {
        s->len--;
    }
}
