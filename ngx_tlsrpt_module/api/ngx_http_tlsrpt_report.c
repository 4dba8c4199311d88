/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains/D/reports/ID, one report that is kept: as JSON, as a page to
 * read, or its text, byte for byte.  A long text comes by pieces, and is
 * unpacked and read, or zipped anew, in turns.
 */

#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_report_text.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_send.h"


/* How much of a sender's name becomes part of a file's name. */
#define NGX_HTTP_TLSRPT_SENDER_LEN  64


/* What is asked, and the number of it. */
enum {
    NGX_HTTP_TLSRPT_REPORT_DOMAIN = 0,
    NGX_HTTP_TLSRPT_REPORT_ENTRY,
    NGX_HTTP_TLSRPT_REPORT_OTHERS,
    NGX_HTTP_TLSRPT_REPORT_PIECE
};


static ngx_int_t ngx_http_tlsrpt_report_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_report_ask(ngx_http_tlsrpt_report_t *report,
    ngx_http_tlsrpt_ask_t *ask, ngx_uint_t n,
    const tlsrpt_command_t *command);
static void ngx_http_tlsrpt_report_key(ngx_http_tlsrpt_report_t *report,
    const char *suffix);

static ngx_int_t ngx_http_tlsrpt_report_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_report_entry(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_report_found(
    ngx_http_tlsrpt_report_t *report);


static ngx_int_t ngx_http_tlsrpt_report_done(void *data,
    ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_report_send(ngx_http_tlsrpt_report_t *report);
static u_char *ngx_http_tlsrpt_report_disposition(
    ngx_http_tlsrpt_report_t *report);
static u_char *ngx_http_tlsrpt_report_safe(u_char *p, tlsrpt_str_t name);
static void ngx_http_tlsrpt_report_destroy(void *data);


const ngx_str_t  ngx_http_tlsrpt_report_media[] = {
    ngx_string("application/json"),
    ngx_string("text/plain"),
    ngx_string("application/tlsrpt+gzip"),
    ngx_string("application/tlsrpt+json"),
    ngx_string("application/octet-stream")
};

const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_report_types = {
    ngx_http_tlsrpt_report_media, NGX_HTTP_TLSRPT_REPORT_NTYPES,
    "there are application/json, text/plain and application/tlsrpt+gzip"
};

const ngx_http_tlsrpt_types_t  ngx_http_tlsrpt_tool_report_types = {
    ngx_http_tlsrpt_report_media, NGX_HTTP_TLSRPT_REPORT_READABLE,
    "there are application/json and text/plain"
};

static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_report_fetch = {
    ngx_http_tlsrpt_report_next,
    ngx_http_tlsrpt_report_reply,
    ngx_http_tlsrpt_report_work,
    ngx_http_tlsrpt_report_done,
    ngx_http_tlsrpt_report_destroy
};


ngx_int_t
ngx_http_tlsrpt_report_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                  rc;
    ngx_http_tlsrpt_report_t  *report;

    rc = ngx_http_tlsrpt_report_params(r);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    report = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_report_t));
    if (report == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    report->request = r;
    report->type = target->type;
    report->domain = ngx_http_tlsrpt_str(&target->domain);
    report->id = target->id;

    /* where the id is none, the domain alone is asked for: it decides which
       404 it is */

    if (tlsrpt_id_parse((char *) target->id.data, target->id.len,
                        &report->day, &report->index)
        != 0)
    {
        report->day = -1;
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_report_fetch, report);
}


/* Commands */

static ngx_int_t
ngx_http_tlsrpt_report_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_report_t *report = data;

    const tlsrpt_command_t  *command;

    if (report->asked == NGX_HTTP_TLSRPT_REPORT_DOMAIN) {
        report->asked++;
        tlsrpt_key_domain(&report->read.key,
                          ngx_http_tlsrpt_prefix(report->request),
                          report->domain, "");

        return ngx_http_tlsrpt_report_ask(report, ask,
                   NGX_HTTP_TLSRPT_REPORT_DOMAIN,
                   tlsrpt_key_read(&report->read, "HGET", "all", 3));
    }

    if (report->asked == NGX_HTTP_TLSRPT_REPORT_ENTRY && report->day != -1) {
        report->asked++;
        ngx_http_tlsrpt_report_key(report, ":kept");

        return ngx_http_tlsrpt_report_ask(report, ask,
                   NGX_HTTP_TLSRPT_REPORT_ENTRY,
                   tlsrpt_key_range(&report->read, "LRANGE",
                                    2 * (long long) report->index,
                                    2 * (long long) report->index + 1));
    }

    if (!report->found || report->waiting) {
        return NGX_DONE;
    }

    if (ngx_http_tlsrpt_report_readable(report)) {
        command = tlsrpt_namesakes_next(&report->others, &report->read,
                                     ngx_http_tlsrpt_prefix(report->request),
                                     report->domain);
        if (command) {
            report->waiting = 1;

            return ngx_http_tlsrpt_report_ask(report, ask,
                       NGX_HTTP_TLSRPT_REPORT_OTHERS, command);
        }
    }

    if (report->complete || report->piece.len || report->broken) {
        return NGX_DONE;
    }

    report->waiting = 1;
    ngx_http_tlsrpt_report_key(report, report->hex);

    return ngx_http_tlsrpt_report_ask(report, ask,
               NGX_HTTP_TLSRPT_REPORT_PIECE,
               tlsrpt_key_range(&report->read, "GETRANGE",
                                (long long) report->offset,
                                (long long) report->offset
                                + NGX_HTTP_TLSRPT_PIECE - 1));
}


static ngx_int_t
ngx_http_tlsrpt_report_ask(ngx_http_tlsrpt_report_t *report,
    ngx_http_tlsrpt_ask_t *ask, ngx_uint_t n, const tlsrpt_command_t *command)
{
    ask->n = n;
    ask->command = command;

    return NGX_OK;
}


/* Of the report's day. */

static void
ngx_http_tlsrpt_report_key(ngx_http_tlsrpt_report_t *report,
    const char *suffix)
{
    tlsrpt_key_day(&report->read.key, ngx_http_tlsrpt_prefix(report->request),
                   report->domain, report->day, suffix);
}


/* Replies */

static ngx_int_t
ngx_http_tlsrpt_report_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_report_t *report = data;

    switch (ask->n) {

    case NGX_HTTP_TLSRPT_REPORT_DOMAIN:
        report->reported = (reply->type == TLSRPT_REPLY_STRING);
        return NGX_OK;

    case NGX_HTTP_TLSRPT_REPORT_ENTRY:
        return ngx_http_tlsrpt_report_entry(report, reply);

    case NGX_HTTP_TLSRPT_REPORT_OTHERS:
        report->waiting = 0;

        return tlsrpt_namesakes_add(&report->others, report->others_listings,
                                 reply)
               == 0 ? NGX_OK : NGX_ERROR;

    default: /* NGX_HTTP_TLSRPT_REPORT_PIECE */
        report->waiting = 0;

        return ngx_http_tlsrpt_report_piece(report, reply);
    }
}


/* The name, and the entry, which is copied: the listing borrows from it. */

static ngx_int_t
ngx_http_tlsrpt_report_entry(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply)
{
    char             *copy;
    tlsrpt_reply_t   *entry;

    if (reply->type != TLSRPT_REPLY_ARRAY || reply->nelements != 2
        || reply->elements[1]->type != TLSRPT_REPLY_STRING)
    {
        return NGX_OK;
    }

    entry = reply->elements[1];

    copy = ngx_pnalloc(report->request->pool, entry->len + 1);
    if (copy == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(copy, entry->str, entry->len);
    report->entry = *entry;
    report->entry.str = copy;

    return ngx_http_tlsrpt_report_found(report);
}


static ngx_int_t
ngx_http_tlsrpt_report_found(ngx_http_tlsrpt_report_t *report)
{
    int   rc;
    char  id[TLSRPT_ID_LEN + 1];

    if (tlsrpt_kept_decode(&report->head, report->day, &report->entry) != 0) {
        return NGX_OK;
    }

    tlsrpt_id_make(id, report->day, &report->head);

    if (ngx_strlen(id) != report->id.len
        || ngx_memcmp(id, report->id.data, report->id.len) != 0)
    {
        /* of a list that was here before */
        return NGX_OK;
    }

    report->listings = tlsrpt_listings_create(report->domain);
    report->others_listings = tlsrpt_listings_create(report->domain);

    if (report->listings == NULL || report->others_listings == NULL) {
        return NGX_ERROR;
    }

    rc = tlsrpt_listing_read(report->listings, &report->listing, report->day,
                             &report->head);
    if (rc < 0) {
        return NGX_ERROR;
    }

    report->found = 1;
    report->broken = (rc == 0);
    tlsrpt_namesakes_init(&report->others, &report->listing, report->day);

    return ngx_http_tlsrpt_report_begin(report);
}


/* The answer */

static ngx_int_t
ngx_http_tlsrpt_report_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_report_t *report = data;

    tlsrpt_buf_t       *buf;
    tlsrpt_document_t   document;

    report->gone |= report->day < tlsrpt_day_of(
                              ngx_http_tlsrpt_scope_since(r, report->domain));

    if (!ngx_http_tlsrpt_visible(r, report->domain, report->reported)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such domain");
    }

    if (!report->found || report->gone) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such report, or it is not kept any "
                                     "more");
    }

    /* it was read before: the fault is not the client's */

    if (report->broken) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_INTERNAL_SERVER_ERROR,
                                     "the report cannot be read back");
    }

    if (!ngx_http_tlsrpt_report_readable(report)) {
        return ngx_http_tlsrpt_report_send(report);
    }

    if (report->type == NGX_HTTP_TLSRPT_REPORT_JSON) {
        buf = &report->buf;

        return ngx_http_tlsrpt_text_send(r, "application/json; charset=utf-8",
                                         &report->text, &buf, 1);
    }

    ngx_http_tlsrpt_report_document(report, &document);

    return ngx_http_tlsrpt_report_answer(r, &document, report->type);
}


static ngx_int_t
ngx_http_tlsrpt_report_send(ngx_http_tlsrpt_report_t *report)
{
    u_char              *disposition;
    tlsrpt_buf_t        *buf;
    ngx_http_request_t  *r;

    r = report->request;
    buf = &report->buf;

    disposition = ngx_http_tlsrpt_report_disposition(report);

    if (disposition == NULL
        || ngx_http_tlsrpt_add_header(r, "Content-Disposition",
                                      (char *) disposition)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_text_send(r,
               report->type == NGX_HTTP_TLSRPT_REPORT_PLAIN
               ? "application/tlsrpt+json" : "application/tlsrpt+gzip",
               &report->text, &buf, 1);
}


/* The file's name as in RFC 8460 5.1:
   SENDER!POLICY-DOMAIN!BEGIN!END!UNIQUE-ID.json.gz */

static u_char *
ngx_http_tlsrpt_report_disposition(ngx_http_tlsrpt_report_t *report)
{
    size_t             len;
    u_char            *value, *p;
    tlsrpt_str_t       sender;
    tlsrpt_listing_t  *listing;

    listing = &report->listing;
    sender = listing->signer.len ? listing->signer : listing->organization_name;

    len = sizeof("attachment; filename=\"!!!!.json.gz\"")
          + NGX_HTTP_TLSRPT_SENDER_LEN + report->domain.len
          + 2 * NGX_INT64_LEN + TLSRPT_ID_LEN;

    value = ngx_pnalloc(report->request->pool, len);
    if (value == NULL) {
        return NULL;
    }

    p = ngx_cpymem(value, "attachment; filename=\"",
                   sizeof("attachment; filename=\"") - 1);
    p = ngx_http_tlsrpt_report_safe(p, sender);
    p = ngx_sprintf(p, "!%*s!%L!%L!%V.json%s\"", report->domain.len,
                    report->domain.data, listing->start, listing->end,
                    &report->id,
                    report->type == NGX_HTTP_TLSRPT_REPORT_PLAIN ? "" : ".gz");
    *p = '\0';

    return value;
}


/* What is safe in the name of a file, and in a quoted string, everywhere. */

static u_char *
ngx_http_tlsrpt_report_safe(u_char *p, tlsrpt_str_t name)
{
    char    c;
    size_t  i;

    if (name.len == 0) {
        return ngx_cpymem(p, "unknown", sizeof("unknown") - 1);
    }

    for (i = 0; i < name.len && i < NGX_HTTP_TLSRPT_SENDER_LEN; i++) {
        c = name.data[i];

        *p++ = ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                || (c >= '0' && c <= '9') || (c == '.' && i))
               ? c : '-';
    }

    return p;
}


static void
ngx_http_tlsrpt_report_destroy(void *data)
{
    ngx_http_tlsrpt_report_t *report = data;

    tlsrpt_listing_free(&report->listing);
    tlsrpt_namesakes_free(&report->others);
    tlsrpt_listings_destroy(report->listings);
    tlsrpt_listings_destroy(report->others_listings);
    ngx_http_tlsrpt_report_end(report);
}


/* What the body of a request is answered with, too */

ngx_int_t
ngx_http_tlsrpt_report_params(ngx_http_request_t *r)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_tlsrpt_report_answer(ngx_http_request_t *r,
    tlsrpt_document_t *document, ngx_int_t type)
{
    char    *text;
    size_t   len;

    if (type == NGX_HTTP_TLSRPT_REPORT_JSON) {
        text = tlsrpt_document_json(document, &len);

        return ngx_http_tlsrpt_answer_text(r,
                   "application/json; charset=utf-8", text, len);
    }

    text = tlsrpt_document_text(document, &len);

    return ngx_http_tlsrpt_answer_text(r, "text/plain; charset=utf-8", text,
                                       len);
}
