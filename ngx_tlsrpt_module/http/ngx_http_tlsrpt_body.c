/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_ctx.h"
#include "ngx_http_tlsrpt_module.h"


#define NGX_HTTP_TLSRPT_BODY_BUFFER  16384


static void ngx_http_tlsrpt_body_handler(ngx_http_request_t *r);
static tlsrpt_reader_t *ngx_http_tlsrpt_reader(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_body_feed(ngx_http_request_t *r,
    tlsrpt_reader_t *reader);
static ngx_int_t ngx_http_tlsrpt_body_feed_whole(ngx_http_request_t *r,
    tlsrpt_reader_t *reader);
static ngx_int_t ngx_http_tlsrpt_body_feed_file(ngx_buf_t *b,
    tlsrpt_reader_t *reader);


ngx_int_t
ngx_http_tlsrpt_body_read(ngx_http_request_t *r, ngx_http_handler_pt handler)
{
    ngx_int_t               rc;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_tlsrpt_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->body_handler = handler;

    rc = ngx_http_read_client_request_body(r, ngx_http_tlsrpt_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_http_tlsrpt_body_handler(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_http_tlsrpt_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_tlsrpt_module);

    rc = ctx->body_handler(r);

    if (rc != NGX_DONE) {
        ngx_http_finalize_request(r, rc);
    }
}


ngx_uint_t
ngx_http_tlsrpt_body_exceeds(ngx_http_request_t *r, size_t max)
{
    return r->headers_in.content_length_n > (off_t) max
           || ngx_http_tlsrpt_body_size(r) > (off_t) max;
}


off_t
ngx_http_tlsrpt_body_size(ngx_http_request_t *r)
{
    off_t         size;
    ngx_chain_t  *cl;

    size = 0;

    if (r->request_body) {
        for (cl = r->request_body->bufs; cl; cl = cl->next) {
            size += ngx_buf_size(cl->buf);
        }
    }

    return size;
}


ngx_int_t
ngx_http_tlsrpt_body_report(ngx_http_request_t *r,
    const tlsrpt_reader_conf_t *conf, const tlsrpt_report_t **report,
    const tlsrpt_error_t **error)
{
    ngx_int_t         rc;
    tlsrpt_reader_t  *reader;

    static const tlsrpt_error_t  no_memory = { .code = TLSRPT_ERR_MEMORY };

    reader = ngx_http_tlsrpt_reader(r);
    if (reader == NULL) {
        *error = &no_memory;
        return NGX_DECLINED;
    }

    tlsrpt_reader_reset(reader, conf);

    rc = ngx_http_tlsrpt_body_feed(r, reader);

    if (rc == NGX_OK && tlsrpt_reader_finish(reader, report) != TLSRPT_OK) {
        rc = NGX_DECLINED;
    }

    *error = (rc == NGX_DECLINED) ? tlsrpt_reader_error(reader) : NULL;

    return rc;
}


/* The worker's one; what it read is valid until it is used again.  NULL: no
   memory. */

static tlsrpt_reader_t *
ngx_http_tlsrpt_reader(ngx_http_request_t *r)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(r, ngx_http_tlsrpt_module);

    if (tmcf->reader == NULL) {
        tmcf->reader = tlsrpt_reader_create();
    }

    return tmcf->reader;
}


/* NGX_OK; NGX_DECLINED: the reader has the error; NGX_ERROR: of the file, or of
   memory. */

static ngx_int_t
ngx_http_tlsrpt_body_feed(ngx_http_request_t *r, tlsrpt_reader_t *reader)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_body_size(r) <= NGX_HTTP_TLSRPT_BODY_BUFFER) {
        return ngx_http_tlsrpt_body_feed_whole(r, reader);
    }

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (b->in_file) {
            rc = ngx_http_tlsrpt_body_feed_file(b, reader);
            if (rc != NGX_OK) {
                return rc;
            }

            continue;
        }

        if (b->pos != b->last
            && tlsrpt_reader_feed(reader, b->pos, (size_t) (b->last - b->pos))
               != TLSRPT_OK)
        {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


/* What came with the header is mostly a buffer, and the rest another: a small
   body is read faster in one piece. */

static ngx_int_t
ngx_http_tlsrpt_body_feed_whole(ngx_http_request_t *r, tlsrpt_reader_t *reader)
{
    ngx_str_t  text;

    if (ngx_http_tlsrpt_body_text(r, &text) != NGX_OK) {
        return NGX_ERROR;
    }

    return tlsrpt_reader_feed(reader, text.data, text.len) == TLSRPT_OK
           ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_tlsrpt_body_feed_file(ngx_buf_t *b, tlsrpt_reader_t *reader)
{
    off_t    offset;
    size_t   size;
    ssize_t  n;
    u_char   buffer[NGX_HTTP_TLSRPT_BODY_BUFFER];

    for (offset = b->file_pos; offset < b->file_last; offset += n) {

        size = (size_t) ngx_min(b->file_last - offset,
                                NGX_HTTP_TLSRPT_BODY_BUFFER);

        n = ngx_read_file(b->file, buffer, size, offset);

        if (n <= 0) {
            return NGX_ERROR;
        }

        if (tlsrpt_reader_feed(reader, buffer, (size_t) n) != TLSRPT_OK) {
            return NGX_DECLINED;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_body_text(ngx_http_request_t *r, ngx_str_t *text)
{
    u_char       *p;
    size_t        size;
    ssize_t       n;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = r->request_body ? r->request_body->bufs : NULL;

    if (cl == NULL) {
        ngx_str_set(text, "");
        return NGX_OK;
    }

    if (cl->next == NULL && !cl->buf->in_file) {
        text->data = cl->buf->pos;
        text->len = (size_t) (cl->buf->last - cl->buf->pos);
        return NGX_OK;
    }

    text->len = (size_t) ngx_http_tlsrpt_body_size(r);

    p = ngx_pnalloc(r->pool, text->len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    text->data = p;

    for ( /* void */ ; cl; cl = cl->next) {
        b = cl->buf;
        size = (size_t) ngx_buf_size(b);

        if (size == 0) {
            /* the end of a chunked body: no memory */
            continue;
        }

        if (!b->in_file) {
            p = ngx_cpymem(p, b->pos, size);
            continue;
        }

        n = ngx_read_file(b->file, p, size, b->file_pos);

        if (n != (ssize_t) size) {
            return NGX_ERROR;
        }

        p += size;
    }

    return NGX_OK;
}
