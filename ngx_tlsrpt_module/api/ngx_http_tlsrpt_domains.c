/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains: a page of all domains, by name, with the totals of each; as
 * CSV, all of them.
 */

#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_error.h"
#include "ngx_http_tlsrpt_fetch.h"
#include "ngx_http_tlsrpt_forget.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_query.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_text.h"
#include "ngx_http_tlsrpt_walk.h"
#include "tlsrpt_csv.h"
#include "tlsrpt_time.h"


#define NGX_HTTP_TLSRPT_PAGE_DEFAULT   100
#define NGX_HTTP_TLSRPT_PAGE_MAX       1000
#define NGX_HTTP_TLSRPT_PAGE_PIECE     1000     /* of the index, at most */


typedef struct {
    u_char                       name[TLSRPT_DOMAIN_LEN];
    tlsrpt_str_t                 domain;
    ngx_uint_t                   indexed;   /* it is in the index alone */
    tlsrpt_overview_t           *overview;  /* while it is being read */
    size_t                       ncommands;
    size_t                       nreplies;
    json_t                      *json;      /* then */
    ngx_uint_t                   shown;
} ngx_http_tlsrpt_line_t;

typedef struct {
    ngx_http_request_t        *request;
    tlsrpt_query_t             query;       /* from and to */
    ngx_str_t                  cursor;      /* the name before the page */
    ngx_uint_t                 limit;

    ngx_http_tlsrpt_walk_t     walk;
    ngx_http_tlsrpt_line_t    *lines;       /* limit of them; of CSV used anew
                                               when they are written */
    ngx_uint_t                 nlines;      /* begun */
    ngx_uint_t                 nwritten;    /* of CSV */
    size_t                     n;           /* next command of the last one,
                                               0: there is none */
    unsigned                   more:1;      /* pages follow */

    unsigned                   is_csv:1;    /* so all of them */
    ngx_http_tlsrpt_text_t     text;
    tlsrpt_buf_t               buf;         /* its end */
} ngx_http_tlsrpt_page_t;


static int ngx_http_tlsrpt_page_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_page_cursor(ngx_http_tlsrpt_page_t *page,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_page_limit(ngx_http_tlsrpt_page_t *page,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);

static ngx_int_t ngx_http_tlsrpt_page_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_http_tlsrpt_line_t *ngx_http_tlsrpt_page_last(
    ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_page_csv(ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_send(ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r);
static json_t *ngx_http_tlsrpt_page_next_json(ngx_http_tlsrpt_page_t *page);
static void ngx_http_tlsrpt_page_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_page_fetch = {
    ngx_http_tlsrpt_page_next,
    ngx_http_tlsrpt_page_reply,
    NULL,
    ngx_http_tlsrpt_page_done,
    ngx_http_tlsrpt_page_destroy
};


ngx_int_t
ngx_http_tlsrpt_domains_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    ngx_int_t                rc;
    ngx_uint_t               piece;
    ngx_http_tlsrpt_page_t  *page;

    page = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_page_t));
    if (page == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    page->request = r;
    page->limit = NGX_HTTP_TLSRPT_PAGE_DEFAULT;
    ngx_str_set(&page->cursor, "");

    tlsrpt_query_init(&page->query, ngx_time());
    ngx_http_tlsrpt_query_retain(r, &page->query);

    rc = ngx_http_tlsrpt_query(r, ngx_http_tlsrpt_page_param, page,
                               &page->query);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    if (target->type == NGX_HTTP_TLSRPT_CSV) {
        page->is_csv = 1;
        page->limit = NGX_HTTP_TLSRPT_PAGE_DEFAULT;
        page->cursor.len = 0;

        tlsrpt_csv_head(&page->buf, tlsrpt_overview_names,
                        TLSRPT_OVERVIEW_NAMES);
    }

    /* one name more than the page holds tells whether pages follow */

    piece = ngx_http_tlsrpt_scope_is_all(r) && !page->is_csv
            ? page->limit + 1 : NGX_HTTP_TLSRPT_PAGE_PIECE;

    page->lines = ngx_pcalloc(r->pool,
                              page->limit * sizeof(ngx_http_tlsrpt_line_t));

    if (page->lines == NULL
        || ngx_http_tlsrpt_walk_begin(&page->walk, r, &page->cursor, piece)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_page_fetch, page);
}


static int
ngx_http_tlsrpt_page_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_page_t *page = data;

    if (tlsrpt_param_is(name, "cursor")) {
        return ngx_http_tlsrpt_page_cursor(page, name, value, error);
    }

    if (tlsrpt_param_is(name, "limit")) {
        return ngx_http_tlsrpt_page_limit(page, name, value, error);
    }

    if (tlsrpt_param_is(name, "from") || tlsrpt_param_is(name, "to")) {
        return tlsrpt_query_param(&page->query, name, value, error);
    }

    return tlsrpt_param_unknown(error, name);
}


/* The cursor is the last name of the page before, as _next_json made it. */

static int
ngx_http_tlsrpt_page_cursor(ngx_http_tlsrpt_page_t *page, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    if (!ngx_http_tlsrpt_index_is_domain(value.data, value.len)) {
        return tlsrpt_param_fail(error, name, "not a \"next\" of this list");
    }

    page->cursor.data = ngx_pnalloc(page->request->pool, value.len);
    if (page->cursor.data == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    page->cursor.len = value.len;
    ngx_memcpy(page->cursor.data, value.data, value.len);

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_page_limit(ngx_http_tlsrpt_page_t *page, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_int_t  limit;

    limit = ngx_atoi((u_char *) value.data, value.len);

    if (limit < 1 || limit > NGX_HTTP_TLSRPT_PAGE_MAX) {
        return tlsrpt_param_fail(error, name, "not a number from 1 to 1000");
    }

    page->limit = limit;

    return TLSRPT_OK;
}


static ngx_int_t
ngx_http_tlsrpt_page_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_int_t                rc;
    ngx_http_tlsrpt_line_t  *line;

    if (page->n == 0) {
        rc = ngx_http_tlsrpt_page_line(page, ask);
        if (rc != NGX_OK) {
            return rc == NGX_AGAIN ? NGX_OK : rc;
        }
    }

    line = ngx_http_tlsrpt_page_last(page);

    ask->command = tlsrpt_overview_command(line->overview, page->n);
    ask->item = line;
    ask->n = page->n++;

    if (page->n == line->ncommands) {
        page->n = 0;
    }

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* Begins the next line.  NGX_AGAIN: the walk asks for something first;
   NGX_DONE: there is none, or none before a reply.  The name after the last
   line tells that pages follow. */

static ngx_int_t
ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_int_t                rc;
    ngx_str_t                name;
    ngx_http_tlsrpt_line_t  *line;

    if (page->more
        || (page->is_csv && page->nlines - page->nwritten == page->limit))
    {
        return NGX_DONE;
    }

    ask->item = NULL;

    rc = ngx_http_tlsrpt_walk_next(&page->walk, &name, &ask->command);
    if (rc != NGX_OK) {
        return rc;
    }

    if (page->nlines == page->limit && !page->is_csv) {
        page->more = 1;
        return NGX_DONE;
    }

    page->nlines++;
    line = ngx_http_tlsrpt_page_last(page);
    ngx_memzero(line, sizeof(ngx_http_tlsrpt_line_t));

    line->indexed = page->walk.indexed;
    ngx_memcpy(line->name, name.data, name.len);
    name.data = line->name;
    line->domain = ngx_http_tlsrpt_str(&name);

    line->overview = tlsrpt_overview_create(&page->query, line->domain,
                                         ngx_http_tlsrpt_prefix(page->request));
    if (line->overview == NULL) {
        return NGX_ERROR;
    }

    /* at least one: a range has at least one day */
    line->ncommands = tlsrpt_overview_ncommands(line->overview);

    return NGX_OK;
}


static ngx_http_tlsrpt_line_t *
ngx_http_tlsrpt_page_last(ngx_http_tlsrpt_page_t *page)
{
    return &page->lines[(page->nlines - 1) % page->limit];
}


static ngx_int_t
ngx_http_tlsrpt_page_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_uint_t               seen;
    ngx_http_tlsrpt_line_t  *line;

    line = ask->item;

    if (line == NULL) {
        return ngx_http_tlsrpt_walk_reply(&page->walk, reply);
    }

    if (tlsrpt_overview_add(line->overview, ask->n, reply) != TLSRPT_OK) {
        return NGX_ERROR;
    }

    if (++line->nreplies < line->ncommands) {
        return NGX_OK;
    }

    /* the index may outlive a domain's data */

    seen = tlsrpt_overview_seen(line->overview);
    line->shown = (seen || !line->indexed)
                  && ngx_http_tlsrpt_visible(page->request, line->domain,
                                             seen);
    if (line->shown) {
        line->json = tlsrpt_overview_json(line->overview);
    }

    if (line->indexed && !seen) {
        ngx_http_tlsrpt_forget(page->request, line->domain);
    }

    tlsrpt_overview_destroy(line->overview);
    line->overview = NULL;

    if (line->shown && line->json == NULL) {
        return NGX_ERROR;
    }

    return page->is_csv ? ngx_http_tlsrpt_page_csv(page) : NGX_OK;
}


/* The lines that are answered, in order: replies to scripts that Redis had to
   be told come later than others. */

static ngx_int_t
ngx_http_tlsrpt_page_csv(ngx_http_tlsrpt_page_t *page)
{
    ngx_http_tlsrpt_line_t  *line;

    for ( /* void */ ; page->nwritten < page->nlines; page->nwritten++) {
        line = &page->lines[page->nwritten % page->limit];

        if (line->nreplies < line->ncommands) {
            break;
        }

        if (line->shown) {
            tlsrpt_csv_line(&page->buf, tlsrpt_overview_names,
                            TLSRPT_OVERVIEW_NAMES, line->json);
            json_decref(line->json);
            line->json = NULL;
        }
    }

    return ngx_http_tlsrpt_text_spill(page->request, &page->text, &page->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


static ngx_int_t
ngx_http_tlsrpt_page_send(ngx_http_tlsrpt_page_t *page)
{
    tlsrpt_buf_t  *buf;

    buf = &page->buf;

    return ngx_http_tlsrpt_text_send(page->request, "text/csv; charset=utf-8",
                                     &page->text, &buf, 1);
}


static ngx_int_t
ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_page_t *page = data;

    char         from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];
    json_t      *domains;
    ngx_uint_t   i;

    if (page->is_csv) {
        return ngx_http_tlsrpt_page_send(page);
    }

    domains = json_array();

    for (i = 0; i < page->nlines; i++) {
        if (page->lines[i].shown
            && json_array_append(domains, page->lines[i].json) != 0)
        {
            json_decref(domains);
            return ngx_http_tlsrpt_answer_json(r, NULL);
        }
    }

    tlsrpt_day_text(page->query.from, from);
    tlsrpt_day_text(page->query.to, to);

    return ngx_http_tlsrpt_answer_json(r,
               json_pack("{s:s, s:s, s:o, s:o}", "from", from, "to", to,
                         "domains", domains,
                         "next", ngx_http_tlsrpt_page_next_json(page)));
}


static json_t *
ngx_http_tlsrpt_page_next_json(ngx_http_tlsrpt_page_t *page)
{
    tlsrpt_str_t  *last;

    if (!page->more) {
        return json_null();
    }

    last = &ngx_http_tlsrpt_page_last(page)->domain;

    return json_stringn(last->data, last->len);
}


static void
ngx_http_tlsrpt_page_destroy(void *data)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_uint_t  i;

    ngx_http_tlsrpt_walk_end(&page->walk);
    tlsrpt_buf_free(&page->buf);

    for (i = 0; i < page->nlines && i < page->limit; i++) {
        json_decref(page->lines[i].json);

        if (page->lines[i].overview) {
            tlsrpt_overview_destroy(page->lines[i].overview);
        }
    }
}
