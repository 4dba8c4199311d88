/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_location.h"
#include "ngx_http_tlsrpt_path.h"
#include "tlsrpt_domain.h"


/* How long a domain in a path may be before it is normalized. */
#define NGX_HTTP_TLSRPT_SEGMENT_LEN  1024




ngx_int_t
ngx_http_tlsrpt_path(ngx_http_request_t *r, ngx_str_t *path)
{
    if (ngx_http_tlsrpt_location_path(r, path) != NGX_OK) {
        return NGX_DECLINED;
    }

    if (path->len && path->data[path->len - 1] == '/') {
        path->len--;
    }

    return NGX_OK;
}


ngx_uint_t
ngx_http_tlsrpt_path_match(const ngx_str_t *pattern, const ngx_str_t *path,
    ngx_str_t *domain, ngx_str_t *id)
{
    ngx_str_t  want, have, pattern_rest, path_rest;

    ngx_str_null(domain);
    ngx_str_null(id);

    pattern_rest = *pattern;
    path_rest = *path;

    while (pattern_rest.len && path_rest.len) {
        ngx_http_tlsrpt_path_cut(&pattern_rest, '/', &want);
        ngx_http_tlsrpt_path_cut(&path_rest, '/', &have);

        if (want.data[0] == ':' && have.len) {
            *(want.data[1] == 'd' ? domain : id) = have;
            continue;
        }

        if (want.len != have.len
            || ngx_memcmp(want.data, have.data, have.len) != 0)
        {
            return 0;
        }
    }

    return pattern_rest.len == 0 && path_rest.len == 0;
}


void
ngx_http_tlsrpt_path_cut(ngx_str_t *rest, u_char separator, ngx_str_t *first)
{
    u_char  *p, *last;

    last = rest->data + rest->len;
    p = ngx_strlchr(rest->data, last, separator);

    first->data = rest->data;
    first->len = (p ? p : last) - rest->data;

    rest->data = p ? p + 1 : last;
    rest->len = last - rest->data;
}


ngx_int_t
ngx_http_tlsrpt_path_domain(ngx_http_request_t *r, ngx_str_t *domain)
{
    u_char     *name;
    ngx_str_t   segment;

    segment = *domain;

    if (segment.len > NGX_HTTP_TLSRPT_SEGMENT_LEN) {
        return NGX_DECLINED;
    }

    name = ngx_pnalloc(r->pool, TLSRPT_DOMAIN_LEN + 1);
    if (name == NULL) {
        return NGX_ERROR;
    }

    domain->data = name;
    domain->len = tlsrpt_domain_normalize((char *) segment.data, segment.len,
                                          (char *) name);

    return domain->len ? NGX_OK : NGX_DECLINED;
}
