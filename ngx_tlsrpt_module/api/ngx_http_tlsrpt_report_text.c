/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_report_text.h"


/* Unpacked, what is read or zipped at a time: a millisecond's work or less. */
#define NGX_HTTP_TLSRPT_SLICE  16384


static ngx_int_t ngx_http_tlsrpt_report_begin_text(
    ngx_http_tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_report_print(
    ngx_http_tlsrpt_report_t *report);
static ngx_int_t ngx_http_tlsrpt_report_take(ngx_http_tlsrpt_report_t *report,
    const char *text, size_t len, ngx_uint_t is_last);
static ngx_int_t ngx_http_tlsrpt_report_read(ngx_http_tlsrpt_report_t *report,
    const char *text, size_t len, ngx_uint_t is_last);
static ngx_int_t ngx_http_tlsrpt_report_zip(ngx_http_tlsrpt_report_t *report,
    const char *text, size_t len, ngx_uint_t is_last);


/* Of a short text the report is there, and the text is if it is wanted. */

ngx_int_t
ngx_http_tlsrpt_report_begin(ngx_http_tlsrpt_report_t *report)
{
    tlsrpt_reader_conf_t  conf;

    if (!ngx_http_tlsrpt_report_readable(report)) {
        return ngx_http_tlsrpt_report_begin_text(report);
    }

    report->parsed = report->listing.report;
    report->complete = (report->parsed != NULL);

    if (report->complete || report->broken) {
        return NGX_OK;
    }

    /* the worker's reader has other reports between two turns */

    report->reader = tlsrpt_reader_create();
    report->unzstd = tlsrpt_unzstd_create();

    if (report->reader == NULL || report->unzstd == NULL) {
        return NGX_ERROR;
    }

    *ngx_hex_dump((u_char *) &report->hex[1], (u_char *) report->head.digest,
                  TLSRPT_DIGEST_LEN) = '\0';
    report->hex[0] = ':';

    tlsrpt_listing_conf(&conf, &report->head, report->domain);
    tlsrpt_reader_reset(report->reader, &conf);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_report_begin_text(ngx_http_tlsrpt_report_t *report)
{
    size_t  len;
    char    text[TLSRPT_ZSTD_SHORT];

    /* 16 + MAX_WBITS: gzip (RFC 8460 5.2) */

    if (deflateInit2(&report->zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
                     16 + MAX_WBITS, MAX_MEM_LEVEL - 1, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        return NGX_ERROR;
    }

    report->zipping = 1;

    if (report->head.digest == NULL) {
        len = tlsrpt_kept_text(&report->head, text);

        return ngx_http_tlsrpt_report_take(report, text, len, 1);
    }

    report->unzstd = tlsrpt_unzstd_create();
    if (report->unzstd == NULL) {
        return NGX_ERROR;
    }

    *ngx_hex_dump((u_char *) &report->hex[1], (u_char *) report->head.digest,
                  TLSRPT_DIGEST_LEN) = '\0';
    report->hex[0] = ':';

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_report_piece(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply)
{
    if (reply->type != TLSRPT_REPLY_STRING || reply->len == 0
        || reply->len > NGX_HTTP_TLSRPT_PIECE)
    {
        report->gone = 1;
        report->broken = 1;
        return NGX_OK;
    }

    if (report->piece_data == NULL) {
        report->piece_data = ngx_pnalloc(report->request->pool,
                                         NGX_HTTP_TLSRPT_PIECE);
        if (report->piece_data == NULL) {
            return NGX_ERROR;
        }
    }

    ngx_memcpy(report->piece_data, reply->str, reply->len);
    report->piece.data = (char *) report->piece_data;
    report->piece.len = reply->len;
    report->offset += reply->len;

    return NGX_OK;
}


ngx_int_t
ngx_http_tlsrpt_report_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_report_t *report = data;

    int     rc;
    char    slice[NGX_HTTP_TLSRPT_SLICE];
    size_t  len;

    if (!report->found || report->broken) {
        return NGX_OK;
    }

    if (report->complete) {
        return ngx_http_tlsrpt_report_print(report);
    }

    len = sizeof(slice);
    rc = tlsrpt_unzstd_next(report->unzstd, &report->piece, slice, &len);

    if (rc < 0) {
        report->broken = 1;
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_report_take(report, slice, len, rc == 1) != NGX_OK) {
        return NGX_ERROR;
    }

    if (rc == 1) {
        return NGX_AGAIN;
    }

    /* a full slice: there may be more behind it */

    return (report->piece.len || len == sizeof(slice)) ? NGX_AGAIN
                                                       : NGX_DECLINED;
}


/* The JSON of a report that is read, which may have ten thousands of failure
   details. */

static ngx_int_t
ngx_http_tlsrpt_report_print(ngx_http_tlsrpt_report_t *report)
{
    int                rc;
    tlsrpt_document_t  document;

    if (report->type != NGX_HTTP_TLSRPT_REPORT_JSON || report->printed) {
        return NGX_OK;
    }

    ngx_http_tlsrpt_report_document(report, &document);

    rc = tlsrpt_document_print(&report->print, &document, &report->buf);
    report->printed = (rc == 0);

    if (rc < 0
        || ngx_http_tlsrpt_text_spill(report->request, &report->text,
                                      &report->buf,
                                      NGX_HTTP_TLSRPT_TEXT_WHOLE)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return rc ? NGX_AGAIN : NGX_OK;
}


void
ngx_http_tlsrpt_report_document(ngx_http_tlsrpt_report_t *report,
    tlsrpt_document_t *document)
{
    document->report = report->parsed;
    document->domain = report->domain;
    document->listing = &report->listing;
    document->size = report->parsed->text.len;
    document->others = &report->others;
}


static ngx_int_t
ngx_http_tlsrpt_report_take(ngx_http_tlsrpt_report_t *report,
    const char *text, size_t len, ngx_uint_t is_last)
{
    report->complete = (is_last != 0);

    if (report->reader) {
        return ngx_http_tlsrpt_report_read(report, text, len, is_last);
    }

    if (report->type != NGX_HTTP_TLSRPT_REPORT_PLAIN) {
        return ngx_http_tlsrpt_report_zip(report, text, len, is_last);
    }

    tlsrpt_buf_add(&report->buf, text, len);

    return ngx_http_tlsrpt_text_spill(report->request, &report->text,
                                      &report->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


static ngx_int_t
ngx_http_tlsrpt_report_read(ngx_http_tlsrpt_report_t *report,
    const char *text, size_t len, ngx_uint_t is_last)
{
    int  rc;

    rc = tlsrpt_reader_feed(report->reader, text, len);

    if (rc == TLSRPT_OK && is_last) {
        rc = tlsrpt_reader_finish(report->reader, &report->parsed);
    }

    report->broken = (rc != TLSRPT_OK);

    return rc == TLSRPT_ERR_MEMORY ? NGX_ERROR : NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_report_zip(ngx_http_tlsrpt_report_t *report, const char *text,
    size_t len, ngx_uint_t is_last)
{
    int     rc;
    u_char  out[NGX_HTTP_TLSRPT_SLICE];

    report->zip.next_in = (Bytef *) text;
    report->zip.avail_in = (uInt) len;

    do {
        report->zip.next_out = out;
        report->zip.avail_out = sizeof(out);

        rc = deflate(&report->zip, is_last ? Z_FINISH : Z_NO_FLUSH);

        tlsrpt_buf_add(&report->buf, out,
                       sizeof(out) - report->zip.avail_out);

    } while (report->zip.avail_out == 0 && rc == Z_OK);

    return ngx_http_tlsrpt_text_spill(report->request, &report->text,
                                      &report->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


void
ngx_http_tlsrpt_report_end(ngx_http_tlsrpt_report_t *report)
{
    tlsrpt_unzstd_destroy(report->unzstd);
    tlsrpt_reader_destroy(report->reader);
    tlsrpt_buf_free(&report->buf);

    if (report->zipping) {
        (void) deflateEnd(&report->zip);
    }
}
