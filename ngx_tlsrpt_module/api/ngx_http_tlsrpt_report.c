/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One report, read again from what came: as JSON, as a page to read, or as it
 * is.  BASE/domains/D/reports/ID is one that is kept, BASE/tools/report the
 * body of a request, which is not stored.
 */

#include "ngx_http_tlsrpt_accept.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_body.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_send.h"
#include "tlsrpt_document.h"
#include "tlsrpt_key.h"


/* How much of a sender's name becomes part of a file's name. */
#define NGX_HTTP_TLSRPT_SENDER_LEN  64

#define NGX_HTTP_TLSRPT_HEX_LEN     (2 * TLSRPT_DIGEST_LEN)

/* The size of a report that is kept, decompressed, where
   tlsrpt_max_report_size is less. */
#define NGX_HTTP_TLSRPT_REPORT_SIZE  (64 * 1024 * 1024)


/* What is asked, and the number of it. */
enum {
    NGX_HTTP_TLSRPT_REPORT_DOMAIN = 0,
    NGX_HTTP_TLSRPT_REPORT_ENTRY,
    NGX_HTTP_TLSRPT_REPORT_BODY,
    NGX_HTTP_TLSRPT_REPORT_LENGTH,          /* of the day's list */
    NGX_HTTP_TLSRPT_REPORT_LIST,
    NGX_HTTP_TLSRPT_REPORT_NCOMMANDS
};

typedef struct {
    ngx_http_request_t           *request;
    tlsrpt_str_t                  domain;
    int32_t                       day;
    unsigned char                 digest[TLSRPT_DIGEST_LEN];
    ngx_int_t                     type;     /* of _report_types */

    ngx_uint_t                    n;        /* the next command */
    tlsrpt_key_read_t             read;

    ngx_uint_t                    reported; /* the domain, ever */
    tlsrpt_listing_t              listing;  /* json NULL: there is none */
    ngx_str_t                     body;     /* data NULL: it is not kept */
    tlsrpt_day_list_t             list;
    unsigned                      listed:1; /* the list is to be read */
    unsigned                      read_list:1;
} ngx_http_tlsrpt_report_t;


static ngx_int_t ngx_http_tlsrpt_report_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_report_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_report_keep(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_report_done(void *data,
    ngx_http_request_t *r);
static const tlsrpt_report_t *ngx_http_tlsrpt_report_parse(
    ngx_http_tlsrpt_report_t *report, tlsrpt_str_t domain, ngx_int_t *rc);
static ngx_uint_t ngx_http_tlsrpt_report_adds_up(
    ngx_http_tlsrpt_report_t *report, const tlsrpt_report_t *parsed);
static ngx_int_t ngx_http_tlsrpt_report_original(
    ngx_http_tlsrpt_report_t *report, const tlsrpt_report_t *parsed);
static u_char *ngx_http_tlsrpt_report_disposition(
    ngx_http_tlsrpt_report_t *report, ngx_uint_t gzip);
static u_char *ngx_http_tlsrpt_report_safe(u_char *p, tlsrpt_str_t name);
static void ngx_http_tlsrpt_report_destroy(void *data);

static ngx_int_t ngx_http_tlsrpt_tool_report_answer(ngx_http_request_t *r);
static const tlsrpt_report_t *ngx_http_tlsrpt_report_read(
    ngx_http_request_t *r, ngx_str_t *body, tlsrpt_reader_conf_t *conf,
    ngx_int_t *rc);
static ngx_int_t ngx_http_tlsrpt_report_failed(ngx_http_request_t *r,
    ngx_str_t *body, const tlsrpt_error_t *error);

static ngx_int_t ngx_http_tlsrpt_report_params(ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_report_answer(ngx_http_request_t *r,
    tlsrpt_document_t *document, ngx_int_t type);


enum {
    NGX_HTTP_TLSRPT_REPORT_JSON = 0,
    NGX_HTTP_TLSRPT_REPORT_TEXT,
    NGX_HTTP_TLSRPT_REPORT_READABLE,        /* so many are made by us */
    NGX_HTTP_TLSRPT_REPORT_NTYPES = 5
};

static const ngx_str_t  ngx_http_tlsrpt_report_media[] = {
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

/* A domain that nobody has (RFC 6761 6.4). */
static const tlsrpt_str_t  ngx_http_tlsrpt_report_nobody = {
    "unknown.invalid", sizeof("unknown.invalid") - 1
};

static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_report_fetch = {
    ngx_http_tlsrpt_report_next,
    ngx_http_tlsrpt_report_reply,
    NULL,
    ngx_http_tlsrpt_report_done,
    ngx_http_tlsrpt_report_destroy
};


/* A report that is kept */

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

    /* where the id is none, the domain alone is asked for: it decides which
       404 it is */

    if (tlsrpt_id_parse((char *) target->id.data, target->id.len,
                        &report->day, report->digest)
        != 0)
    {
        report->day = -1;
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_report_fetch, report);
}


static ngx_int_t
ngx_http_tlsrpt_report_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_report_t *report = data;

    u_char        suffix[NGX_HTTP_TLSRPT_HEX_LEN + 2];
    tlsrpt_str_t  prefix;

    if (report->n == NGX_HTTP_TLSRPT_REPORT_NCOMMANDS
        || (report->n && report->day == -1)
        || (report->n == NGX_HTTP_TLSRPT_REPORT_LIST && !report->listed))
    {
        return NGX_DONE;
    }

    prefix = ngx_http_tlsrpt_prefix(report->request);

    switch (report->n) {

    case NGX_HTTP_TLSRPT_REPORT_DOMAIN:
        tlsrpt_key_domain(&report->read.key, prefix, report->domain, "");
        ask->command = tlsrpt_key_read(&report->read, "HGET", "all", 3);
        break;

    case NGX_HTTP_TLSRPT_REPORT_ENTRY:
        tlsrpt_key_day(&report->read.key, prefix, report->domain, report->day,
                       ":reports");
        ask->command = tlsrpt_key_read(&report->read, "HGET",
                                       (char *) report->digest,
                                       TLSRPT_DIGEST_LEN);
        break;

    case NGX_HTTP_TLSRPT_REPORT_BODY:
        suffix[0] = ':';
        *ngx_hex_dump(&suffix[1], report->digest, TLSRPT_DIGEST_LEN) = '\0';
        tlsrpt_key_day(&report->read.key, prefix, report->domain, report->day,
                       (char *) suffix);
        ask->command = tlsrpt_key_read(&report->read, "GET", NULL, 0);
        break;

    default: /* the list, whose length is asked first */
        tlsrpt_key_day(&report->read.key, prefix, report->domain, report->day,
                       ":reports");
        ask->command = tlsrpt_key_read(&report->read,
                                       report->listed ? "HGETALL" : "HLEN",
                                       NULL, 0);
    }

    ask->n = report->n++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_report_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_report_t *report = data;

    tlsrpt_reply_t  digest;

    if (ask->n == NGX_HTTP_TLSRPT_REPORT_LENGTH) {
        report->listed = reply->type == TLSRPT_REPLY_INTEGER
                         && reply->integer > 1
                         && reply->integer <= TLSRPT_CONFLICTS_LIST;
        return NGX_OK;
    }

    if (ask->n == NGX_HTTP_TLSRPT_REPORT_LIST) {
        report->read_list = reply->type == TLSRPT_REPLY_ARRAY;

        return !report->read_list
               || tlsrpt_day_list_read(&report->list, report->day, reply) == 0
               ? NGX_OK : NGX_ERROR;
    }

    if (reply->type != TLSRPT_REPLY_STRING) {
        return NGX_OK;
    }

    switch (ask->n) {

    case NGX_HTTP_TLSRPT_REPORT_DOMAIN:
        report->reported = 1;
        return NGX_OK;

    case NGX_HTTP_TLSRPT_REPORT_ENTRY:
        ngx_memzero(&digest, sizeof(tlsrpt_reply_t));
        digest.type = TLSRPT_REPLY_STRING;
        digest.str = (const char *) report->digest;
        digest.len = TLSRPT_DIGEST_LEN;

        if (tlsrpt_listing_decode(&report->listing, report->day, &digest, reply)
            != 0)
        {
            report->listing.json = NULL;
        }

        return NGX_OK;

    default: /* NGX_HTTP_TLSRPT_REPORT_BODY */
        return ngx_http_tlsrpt_report_keep(report, reply);
    }
}


static ngx_int_t
ngx_http_tlsrpt_report_keep(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_reply_t *reply)
{
    report->body.data = ngx_pnalloc(report->request->pool, reply->len + 1);
    if (report->body.data == NULL) {
        return NGX_ERROR;
    }

    report->body.len = reply->len;
    ngx_memcpy(report->body.data, reply->str, reply->len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_report_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_report_t *report = data;

    ngx_int_t               rc;
    tlsrpt_document_t       document;
    const tlsrpt_report_t  *parsed;

    if (!ngx_http_tlsrpt_visible(r, report->domain, report->reported)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such domain");
    }

    if (report->listing.json == NULL || report->body.data == NULL) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_NOT_FOUND,
                                     "no such report, or it is not kept any "
                                     "more");
    }

    parsed = ngx_http_tlsrpt_report_parse(report, report->domain, &rc);

    if (parsed && !ngx_http_tlsrpt_report_adds_up(report, parsed)) {
        parsed = ngx_http_tlsrpt_report_parse(report,
                                              ngx_http_tlsrpt_report_nobody,
                                              &rc);
    }

    if (parsed == NULL) {
        return rc;
    }

    if (report->type >= NGX_HTTP_TLSRPT_REPORT_READABLE) {
        return ngx_http_tlsrpt_report_original(report, parsed);
    }

    document.report = parsed;
    document.domain = report->domain;
    document.listing = &report->listing;
    document.size = report->body.len;
    document.list = report->read_list ? &report->list : NULL;

    return ngx_http_tlsrpt_report_answer(r, &document, report->type);
}


/* Policies that name no domain are the given one's. */

static const tlsrpt_report_t *
ngx_http_tlsrpt_report_parse(ngx_http_tlsrpt_report_t *report,
    tlsrpt_str_t domain, ngx_int_t *rc)
{
    tlsrpt_reader_conf_t         conf;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(report->request,
                                        ngx_http_tlsrpt_module);

    /* it was within the limit of who stored it, which need not be ours */

    ngx_memzero(&conf, sizeof(tlsrpt_reader_conf_t));
    conf.max_size = ngx_max(tlcf->max_report_size,
                            NGX_HTTP_TLSRPT_REPORT_SIZE);
    conf.domain = domain;

    return ngx_http_tlsrpt_report_read(report->request, &report->body, &conf,
                                       rc);
}


/* Did the domain get these counts?  If not, the policies without a name were
   taken for those of another one, by what came with the report and is not
   kept. */

static ngx_uint_t
ngx_http_tlsrpt_report_adds_up(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_report_t *parsed)
{
    unsigned         i;
    ngx_uint_t       same;
    tlsrpt_str_t    *name;
    tlsrpt_tally_t   tally;

    for (i = 0; i < parsed->ndomains; i++) {
        name = &parsed->domains[i];

        if (name->len == report->domain.len
            && ngx_memcmp(name->data, report->domain.data, name->len) == 0)
        {
            break;
        }
    }

    if (i == parsed->ndomains || tlsrpt_tally_report(&tally, parsed, i) != 0) {
        return 0;
    }

    same = (tally.successful == report->listing.successful
            && tally.failed == report->listing.failed);

    tlsrpt_tally_free(&tally);

    return same;
}


/* The body as it came has every domain of the report: it is sent to a viewer
   who may see all of them. */

static ngx_int_t
ngx_http_tlsrpt_report_original(ngx_http_tlsrpt_report_t *report,
    const tlsrpt_report_t *parsed)
{
    size_t               i;
    u_char              *disposition;
    ngx_str_t           *body;
    ngx_uint_t           gzip;
    ngx_http_request_t  *r;

    r = report->request;
    body = &report->body;

    for (i = 0; i < parsed->ndomains; i++) {
        if (!ngx_http_tlsrpt_visible(r, parsed->domains[i], 1)) {
            return ngx_http_tlsrpt_error(r, NGX_HTTP_FORBIDDEN,
                                         "the report tells of other "
                                         "domains, too");
        }
    }

    gzip = (body->len > 1 && body->data[0] == 0x1f && body->data[1] == 0x8b);

    disposition = ngx_http_tlsrpt_report_disposition(report, gzip);

    if (disposition == NULL
        || ngx_http_tlsrpt_add_header(r, "Content-Disposition",
                                      (char *) disposition)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_send(r, NGX_HTTP_OK,
                                gzip ? "application/tlsrpt+gzip"
                                     : "application/tlsrpt+json",
                                body->data, body->len);
}


/* The file's name as in RFC 8460 5.1:
   SENDER!POLICY-DOMAIN!BEGIN!END!UNIQUE-ID.json.gz */

static u_char *
ngx_http_tlsrpt_report_disposition(ngx_http_tlsrpt_report_t *report,
    ngx_uint_t gzip)
{
    size_t             len;
    u_char            *value, *p;
    tlsrpt_str_t       sender;
    tlsrpt_listing_t  *listing;

    listing = &report->listing;
    sender = listing->signer.len ? listing->signer : listing->organization_name;

    len = sizeof("attachment; filename=\"!!!!.json.gz\"")
          + NGX_HTTP_TLSRPT_SENDER_LEN + report->domain.len
          + 2 * NGX_INT64_LEN + NGX_HTTP_TLSRPT_HEX_LEN;

    value = ngx_pnalloc(report->request->pool, len);
    if (value == NULL) {
        return NULL;
    }

    p = ngx_cpymem(value, "attachment; filename=\"",
                   sizeof("attachment; filename=\"") - 1);
    p = ngx_http_tlsrpt_report_safe(p, sender);
    p = ngx_sprintf(p, "!%*s!%L!%L!", report->domain.len, report->domain.data,
                    listing->start, listing->end);
    p = ngx_hex_dump(p, report->digest, TLSRPT_DIGEST_LEN);
    p = ngx_sprintf(p, ".json%s\"", gzip ? ".gz" : "");
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

    if (report->read_list) {
        tlsrpt_day_list_free(&report->list);
    }
}


/* A report that is given as body */

ngx_int_t
ngx_http_tlsrpt_tool_report_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                    rc;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    rc = ngx_http_tlsrpt_report_params(r);

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    if (rc == NGX_DECLINED
        && ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size))
    {
        rc = ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                   tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    if (rc != NGX_DECLINED) {
        return rc;
    }

    return ngx_http_tlsrpt_body_read(r, ngx_http_tlsrpt_tool_report_answer);
}


static ngx_int_t
ngx_http_tlsrpt_tool_report_answer(ngx_http_request_t *r)
{
    ngx_int_t                    rc, type;
    tlsrpt_document_t            document;
    tlsrpt_reader_conf_t         conf;
    ngx_http_tlsrpt_loc_conf_t  *tlcf;

    tlcf = ngx_http_get_module_loc_conf(r, ngx_http_tlsrpt_module);

    /* the same as before the body came: not 406 */

    type = ngx_http_tlsrpt_accept(r, ngx_http_tlsrpt_report_media,
                                  NGX_HTTP_TLSRPT_REPORT_READABLE);

    if (ngx_http_tlsrpt_body_exceeds(r, tlcf->max_report_size)) {
        return ngx_http_tlsrpt_error(r, NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                     tlsrpt_error_text(TLSRPT_ERR_TOO_LARGE));
    }

    ngx_memzero(&document, sizeof(tlsrpt_document_t));
    document.size = (size_t) ngx_http_tlsrpt_body_size(r);

    ngx_memzero(&conf, sizeof(tlsrpt_reader_conf_t));
    conf.max_size = tlcf->max_report_size;

    document.report = ngx_http_tlsrpt_report_read(r, NULL, &conf, &rc);
    if (document.report == NULL) {
        return rc;
    }

    return ngx_http_tlsrpt_report_answer(r, &document, type);
}


/* Both of them */

/* Reads the body, or where it is NULL the request's.  The report is valid until
   the reader is used again; NULL: *rc is the answer. */

static const tlsrpt_report_t *
ngx_http_tlsrpt_report_read(ngx_http_request_t *r, ngx_str_t *body,
    tlsrpt_reader_conf_t *conf, ngx_int_t *rc)
{
    const tlsrpt_error_t   *error;
    const tlsrpt_report_t  *report;

    *rc = ngx_http_tlsrpt_body_report(r, body, conf, &report, &error);

    if (*rc == NGX_OK) {
        return report;
    }

    *rc = ngx_http_tlsrpt_report_failed(r, body, error);

    return NULL;
}


/* A body that is kept was read before: then the fault is not the client's. */

static ngx_int_t
ngx_http_tlsrpt_report_failed(ngx_http_request_t *r, ngx_str_t *body,
    const tlsrpt_error_t *error)
{
    ngx_uint_t  status;

    if (error && body == NULL) {
        return ngx_http_tlsrpt_error_of(r, error);
    }

    status = (error && error->code == TLSRPT_ERR_MEMORY)
             ? NGX_HTTP_SERVICE_UNAVAILABLE : NGX_HTTP_INTERNAL_SERVER_ERROR;

    return ngx_http_tlsrpt_error(r, status,
                                 "the report cannot be read back");
}


/* The resource takes no parameters.  NGX_DECLINED: none is given; else the
   answer. */

static ngx_int_t
ngx_http_tlsrpt_report_params(ngx_http_request_t *r)
{
    tlsrpt_error_t  error;

    if (ngx_http_tlsrpt_params_none(r, &error) != TLSRPT_OK) {
        return ngx_http_tlsrpt_error_of(r, &error);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_tlsrpt_report_answer(ngx_http_request_t *r,
    tlsrpt_document_t *document, ngx_int_t type)
{
    char    *text;
    size_t   len;

    if (type == NGX_HTTP_TLSRPT_REPORT_JSON) {
        return ngx_http_tlsrpt_answer_json(r, tlsrpt_document_json(document));
    }

    text = tlsrpt_document_text(document, &len);

    return ngx_http_tlsrpt_answer_text(r, "text/plain; charset=utf-8", text,
                                       len);
}
