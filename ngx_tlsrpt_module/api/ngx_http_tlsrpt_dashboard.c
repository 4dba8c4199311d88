/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_dashboard.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_send.h"


/* What is shown comes from strangers: nothing but our own files may run, load,
   frame the page or be sent to. */
#define NGX_HTTP_TLSRPT_DASHBOARD_CSP                                         \
    "default-src 'none'; script-src 'self'; style-src 'self'; "               \
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "             \
    "form-action 'none'; frame-ancestors 'none'"


static ngx_int_t ngx_http_tlsrpt_dashboard_redirect(ngx_http_request_t *r);
static ngx_uint_t ngx_http_tlsrpt_dashboard_gzip(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_dashboard_headers(ngx_http_request_t *r,
    ngx_uint_t index, ngx_uint_t gzip);
static ngx_int_t ngx_http_tlsrpt_dashboard_etag(ngx_http_request_t *r,
    ngx_uint_t index, ngx_uint_t gzip);


ngx_int_t
ngx_http_tlsrpt_dashboard_handler(ngx_http_request_t *r, ngx_str_t *path)
{
    ngx_int_t                                rc;
    ngx_str_t                               *index;
    ngx_uint_t                               gzip;
    ngx_http_tlsrpt_loc_conf_t              *tlcf;
    const ngx_http_tlsrpt_dashboard_file_t  *file;

    file = ngx_http_tlsrpt_dashboard_file(path);
    if (file == NULL) {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_tlsrpt_error_method(r, "GET, HEAD");
    }

    if (path->len == 0 && r->uri.data[r->uri.len - 1] != '/') {
        return ngx_http_tlsrpt_dashboard_redirect(r);
    }

    gzip = ngx_http_tlsrpt_dashboard_gzip(r);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type.data = (u_char *) file->type;
    r->headers_out.content_type.len = ngx_strlen(file->type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    if (ngx_http_tlsrpt_dashboard_headers(r, path->len == 0, gzip) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (path->len == 0) {
        tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);
        index = gzip ? &tlcf->index_gzip : &tlcf->index;

        return ngx_http_tlsrpt_send_body(r, index->data, index->len);
    }

    return gzip ? ngx_http_tlsrpt_send_body(r, file->gzip, file->gzip_len)
                : ngx_http_tlsrpt_send_body(r, file->plain, file->plain_len);
}


const ngx_http_tlsrpt_dashboard_file_t *
ngx_http_tlsrpt_dashboard_file(ngx_str_t *path)
{
    const ngx_http_tlsrpt_dashboard_file_t  *file;

    for (file = ngx_http_tlsrpt_dashboard_files; file->type; file++) {
        if (file->path.len == path->len
            && ngx_memcmp(file->path.data, path->data, path->len) == 0)
        {
            return file;
        }
    }

    return NULL;
}


/* The addresses in index.html are relative to BASE/. */

static ngx_int_t
ngx_http_tlsrpt_dashboard_redirect(ngx_http_request_t *r)
{
    u_char  *p;
    size_t   len;

    len = r->uri.len + 2 * ngx_escape_uri(NULL, r->uri.data, r->uri.len,
                                          NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, len + 1);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    (void) ngx_escape_uri(p, r->uri.data, r->uri.len, NGX_ESCAPE_URI);
    p[len] = '/';

    ngx_http_clear_location(r);

    r->headers_out.location = ngx_list_push(&r->headers_out.headers);
    if (r->headers_out.location == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(r->headers_out.location, sizeof(ngx_table_elt_t));

    r->headers_out.location->hash = 1;
    ngx_str_set(&r->headers_out.location->key, "Location");
    r->headers_out.location->value.data = p;
    r->headers_out.location->value.len = len + 1;

    return NGX_HTTP_MOVED_PERMANENTLY;
}


static ngx_uint_t
ngx_http_tlsrpt_dashboard_gzip(ngx_http_request_t *r)
{
#if (NGX_HTTP_GZIP)
    return r->gzip_tested ? r->gzip_ok : ngx_http_gzip_ok(r) == NGX_OK;
#else
    return 0;
#endif
}


/* The version is in the path of all but the index, which is asked for anew. */

static ngx_int_t
ngx_http_tlsrpt_dashboard_headers(ngx_http_request_t *r, ngx_uint_t index,
    ngx_uint_t gzip)
{
    const char       *cache;
    ngx_table_elt_t  *h;

    cache = index ? "no-cache" : "max-age=31536000, immutable";

    if (ngx_http_tlsrpt_add_header(r, "Cache-Control", cache) != NGX_OK
        || ngx_http_tlsrpt_add_header(r, "Vary", "Accept-Encoding") != NGX_OK
        || ngx_http_tlsrpt_add_header(r, "X-Content-Type-Options", "nosniff")
           != NGX_OK
        || ngx_http_tlsrpt_add_header(r, "Referrer-Policy", "no-referrer")
           != NGX_OK
        || ngx_http_tlsrpt_add_header(r, "Content-Security-Policy",
                                      NGX_HTTP_TLSRPT_DASHBOARD_CSP)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (gzip) {
        h = ngx_list_push(&r->headers_out.headers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        ngx_memzero(h, sizeof(ngx_table_elt_t));

        h->hash = 1;
        ngx_str_set(&h->key, "Content-Encoding");
        ngx_str_set(&h->value, "gzip");

        r->headers_out.content_encoding = h;
    }

    return ngx_http_tlsrpt_dashboard_etag(r, index, gzip);
}


/* "TAG" or "TAG-gzip": each encoding is an answer of its own
   (RFC 9110 8.8.3). */

static ngx_int_t
ngx_http_tlsrpt_dashboard_etag(ngx_http_request_t *r, ngx_uint_t index,
    ngx_uint_t gzip)
{
    u_char                      *p;
    size_t                       len;
    ngx_str_t                    tag;
    ngx_table_elt_t             *etag;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    tag.data = (u_char *) ngx_http_tlsrpt_dashboard_version;
    tag.len = ngx_strlen(ngx_http_tlsrpt_dashboard_version);

    if (index) {
        tag = tlcf->index_tag;
    }

    len = tag.len + sizeof("\"-gzip\"") - 1;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    etag = ngx_list_push(&r->headers_out.headers);
    if (etag == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(etag, sizeof(ngx_table_elt_t));

    etag->hash = 1;
    ngx_str_set(&etag->key, "ETag");
    etag->value.data = p;
    etag->value.len = ngx_snprintf(p, len, "\"%V%s\"", &tag,
                                   gzip ? "-gzip" : "")
                      - p;

    r->headers_out.etag = etag;

    return NGX_OK;
}
