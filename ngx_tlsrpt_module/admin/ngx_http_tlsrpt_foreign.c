/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Browsers tell where a request comes from by Sec-Fetch-Site, older ones by
 * Origin alone; and no page can make one send application/json to another site
 * that does not ask for it (the CORS protocol of the Fetch standard).
 */

#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_foreign.h"


static ngx_uint_t ngx_http_tlsrpt_foreign_origin(ngx_http_request_t *r);
static ngx_uint_t ngx_http_tlsrpt_foreign_type(ngx_http_request_t *r,
    ngx_uint_t body);
static ngx_str_t *ngx_http_tlsrpt_foreign_header(ngx_http_request_t *r,
    const char *name);


ngx_uint_t
ngx_http_tlsrpt_foreign(ngx_http_request_t *r, ngx_uint_t body, ngx_int_t *rc)
{
    ngx_str_t  *site;

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return 0;
    }

    site = ngx_http_tlsrpt_foreign_header(r, "sec-fetch-site");

    if ((site && site->len == sizeof("cross-site") - 1
         && ngx_strncasecmp(site->data, (u_char *) "cross-site", site->len)
            == 0)
        || ngx_http_tlsrpt_foreign_origin(r))
    {
        *rc = ngx_http_tlsrpt_error(r, NGX_HTTP_FORBIDDEN,
                                    "the request comes from another site");
        return 1;
    }

    if (ngx_http_tlsrpt_foreign_type(r, body)) {
        *rc = ngx_http_tlsrpt_error(r, NGX_HTTP_UNSUPPORTED_MEDIA_TYPE,
                                    "the body must be application/json");
        return 1;
    }

    return 0;
}


/* "https://HOST:PORT", of which the scheme may be that of a proxy in front of
   this server, or "null" (RFC 6454 7). */

static ngx_uint_t
ngx_http_tlsrpt_foreign_origin(ngx_http_request_t *r)
{
    u_char     *p;
    ngx_str_t  *origin, host;

    origin = ngx_http_tlsrpt_foreign_header(r, "origin");

    if (origin == NULL) {
        return 0;
    }

    /* HTTP/3 has it as a pseudo-header alone */

    if (r->headers_in.host) {
        host = r->headers_in.host->value;

    } else if (r->host_start) {
        host.data = r->host_start;
        host.len = r->host_end - r->host_start;

    } else {
        return 1;
    }

    p = ngx_strlcasestrn(origin->data, origin->data + origin->len,
                         (u_char *) "://", 2);

    if (p == NULL) {
        return 1;
    }

    p += 3;

    return (size_t) (origin->data + origin->len - p) != host.len
           || ngx_strncasecmp(p, host.data, host.len) != 0;
}


static ngx_uint_t
ngx_http_tlsrpt_foreign_type(ngx_http_request_t *r, ngx_uint_t body)
{
    size_t      len;
    ngx_str_t  *type;

    static const char  json[] = "application/json";

    type = r->headers_in.content_type ? &r->headers_in.content_type->value
                                      : NULL;
    if (type == NULL) {
        return body || r->headers_in.content_length_n > 0
               || r->headers_in.chunked;
    }

    len = sizeof(json) - 1;

    return type->len < len
           || ngx_strncasecmp(type->data, (u_char *) json, len) != 0
           || (type->len > len && type->data[len] != ';'
               && type->data[len] != ' ');
}


/* name: in lower case.  NULL: it has none. */

static ngx_str_t *
ngx_http_tlsrpt_foreign_header(ngx_http_request_t *r, const char *name)
{
    size_t            len;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    len = ngx_strlen(name);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (header[i].key.len == len
                && ngx_strncasecmp(header[i].key.data, (u_char *) name, len)
                   == 0)
            {
                return &header[i].value;
            }
        }
    }

    return NULL;
}
