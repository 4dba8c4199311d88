/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The text of a kept report: read, zipped anew, or as it is, and the JSON that
 * is made of it, slice by slice.
 */

#ifndef NGX_HTTP_TLSRPT_REPORT_TEXT_H
#define NGX_HTTP_TLSRPT_REPORT_TEXT_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_tlsrpt_report.h"
#include "ngx_http_tlsrpt_text.h"
#include "tlsrpt_key.h"
#include "tlsrpt_zstd.h"

#include <zlib.h>

#pragma GCC visibility push(hidden)

/* Of a long text, compressed, what is asked for at a time. */
#define NGX_HTTP_TLSRPT_PIECE  65536

typedef struct {
    ngx_http_request_t       *request;
    tlsrpt_str_t              domain;
    ngx_str_t                 id;
    int32_t                   day;          /* -1: the id is none */
    unsigned                  index;
    ngx_int_t                 type;         /* of _report_types */

    ngx_uint_t                asked;        /* DOMAIN, ENTRY */
    tlsrpt_key_read_t         read;

    ngx_uint_t                reported;     /* the domain, ever */
    tlsrpt_reply_t            entry;        /* a copy; len 0: there is none */
    tlsrpt_kept_head_t        head;
    tlsrpt_listings_t        *listings;
    tlsrpt_listing_t          listing;
    tlsrpt_listings_t        *others_listings;
    tlsrpt_namesakes_t           others;

    /* a long text */
    char                      hex[2 + 2 * TLSRPT_DIGEST_LEN];
    size_t                    offset;       /* compressed bytes had so far */
    tlsrpt_str_t              piece;        /* what is left of one, a copy */
    u_char                   *piece_data;
    tlsrpt_unzstd_t          *unzstd;
    tlsrpt_reader_t          *reader;
    const tlsrpt_report_t    *parsed;

    /* the text, or the JSON, as it leaves */
    tlsrpt_document_print_t   print;
    z_stream                  zip;
    ngx_http_tlsrpt_text_t    text;
    tlsrpt_buf_t              buf;

    unsigned                  found:1;      /* the listing is read */
    unsigned                  zipping:1;
    unsigned                  waiting:1;    /* for a piece, or for others */
    unsigned                  complete:1;   /* the text is */
    unsigned                  printed:1;
    unsigned                  gone:1;       /* a piece is missing */
    unsigned                  broken:1;     /* it cannot be read back */
} ngx_http_tlsrpt_report_t;

/* Will the report be shown, or else its text? */

static ngx_inline ngx_uint_t
ngx_http_tlsrpt_report_readable(const ngx_http_tlsrpt_report_t *report)
{
    return report->type < NGX_HTTP_TLSRPT_REPORT_READABLE;
}


/* Once the listing is read; then each piece of a long text.  NGX_OK or
   NGX_ERROR: no memory. */
ngx_int_t ngx_http_tlsrpt_report_begin(ngx_http_tlsrpt_report_t *report);
ngx_int_t ngx_http_tlsrpt_report_piece(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply);

/* A slice of it: as of ngx_http_tlsrpt_fetch_type_t. */
ngx_int_t ngx_http_tlsrpt_report_work(void *data, ngx_http_request_t *r);

void ngx_http_tlsrpt_report_document(ngx_http_tlsrpt_report_t *report,
    tlsrpt_document_t *document);

void ngx_http_tlsrpt_report_end(ngx_http_tlsrpt_report_t *report);

#pragma GCC visibility pop

#endif /* NGX_HTTP_TLSRPT_REPORT_TEXT_H */
