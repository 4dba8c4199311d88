/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains: a page of all domains, by name, with the totals of each and how
 * it is; as CSV, all of them.
 *
 *     walk -> name -> (filter) -> line: commands, replies -> (filter) -> text
 *
 * Lines are read several at a time and written in their order, so that of a
 * list of any length few are in memory.  One line more than the page holds is
 * read, to tell whether pages follow.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_api.h"
#include "ngx_http_tlsrpt_choice.h"
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


#define NGX_HTTP_TLSRPT_PAGE_PIECE     1000     /* of the index, at most */
/* Lines at work: a line has two commands at least, so these fill the window
   while the first one waits. */
#define NGX_HTTP_TLSRPT_PAGE_LINES     NGX_HTTP_TLSRPT_REDIS_WINDOW
/* Days of all these, as the lines of a window may all be written at once: some
   milliseconds. */
#define NGX_HTTP_TLSRPT_PAGE_DAYS      1000
/* Names that are looked at before somebody else has a turn. */
#define NGX_HTTP_TLSRPT_PAGE_NAMES     256
/* What a filtered page may cost, of names looked at and of domains read; then
   it ends where it is.  Of 10,000 domains a page of any filter is full. */
#define NGX_HTTP_TLSRPT_PAGE_LOOKS     200000
#define NGX_HTTP_TLSRPT_PAGE_READS     20000


typedef struct {
    u_char                       name[TLSRPT_DOMAIN_LEN];
    tlsrpt_str_t                 domain;
    ngx_uint_t                   indexed;   /* it is in the index alone */
    tlsrpt_overview_t           *overview;  /* while it is being read */
    json_t                      *json;      /* then; NULL: it is not shown */
    unsigned                     done:1;
} ngx_http_tlsrpt_line_t;

typedef struct {
    ngx_http_request_t        *request;
    ngx_http_tlsrpt_choice_t   choice;

    ngx_http_tlsrpt_walk_t     walk;
    const tlsrpt_command_t    *command;     /* the walk asks for, or NULL */
    ngx_str_t                  name;        /* the next one; len 0: none yet */
    ngx_uint_t                 indexed;     /* it is in the index alone */
    ngx_uint_t                 nlooks;
    unsigned                   busy:1;      /* with names */

    ngx_http_tlsrpt_line_t     lines[NGX_HTTP_TLSRPT_PAGE_LINES];
    ngx_uint_t                 width;       /* of these, at work at a time */
    ngx_uint_t                 nlines;      /* begun */
    ngx_uint_t                 nended;      /* of these, written or dropped */
    ngx_uint_t                 nhidden;     /* done, and not shown */

    ngx_uint_t                 nshown;
    u_char                     last[TLSRPT_DOMAIN_LEN]; /* that ended */
    size_t                     last_len;
    u_char                     looked[TLSRPT_DOMAIN_LEN]; /* the last of many */
    size_t                     looked_len;
    unsigned                   full:1;      /* and pages follow */
    unsigned                   cut:1;       /* it may cost no more */

    ngx_http_tlsrpt_text_t     text;
    tlsrpt_buf_t               buf;         /* its end */
} ngx_http_tlsrpt_page_t;


static ngx_uint_t ngx_http_tlsrpt_page_width(tlsrpt_query_t *query);
static ngx_int_t ngx_http_tlsrpt_page_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_http_tlsrpt_line_t *ngx_http_tlsrpt_page_asking(
    ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_uint_t ngx_http_tlsrpt_page_may_begin(ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_find(ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_work(void *data, ngx_http_request_t *r);
static ngx_int_t ngx_http_tlsrpt_page_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_page_show(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_line_t *line);
static ngx_int_t ngx_http_tlsrpt_page_write(ngx_http_tlsrpt_page_t *page);
static void ngx_http_tlsrpt_page_head(ngx_http_tlsrpt_page_t *page);
static void ngx_http_tlsrpt_page_put(ngx_http_tlsrpt_page_t *page,
    json_t *json);
static ngx_int_t ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r);
static void ngx_http_tlsrpt_page_destroy(void *data);


static const ngx_http_tlsrpt_fetch_type_t  ngx_http_tlsrpt_page_fetch = {
    ngx_http_tlsrpt_page_next,
    ngx_http_tlsrpt_page_reply,
    ngx_http_tlsrpt_page_work,
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

    rc = ngx_http_tlsrpt_choice(r, target, &page->choice);
    if (rc != NGX_DECLINED) {
        return rc;
    }

    page->width = ngx_http_tlsrpt_page_width(&page->choice.query);

    /* of what is not filtered, one name more than the page holds */

    piece = ngx_http_tlsrpt_scope_is_all(r)
            && !ngx_http_tlsrpt_choice_is_filtered(&page->choice)
            && !page->choice.is_csv
            ? page->choice.limit + 1 : NGX_HTTP_TLSRPT_PAGE_PIECE;

    if (ngx_http_tlsrpt_walk_begin(&page->walk, r, &page->choice.cursor, piece)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_tlsrpt_page_head(page);

    return ngx_http_tlsrpt_fetch(r, &ngx_http_tlsrpt_page_fetch, page);
}


static ngx_uint_t
ngx_http_tlsrpt_page_width(tlsrpt_query_t *query)
{
    int32_t     days;
    ngx_uint_t  width;

    if (query->nby == 0) {
        return NGX_HTTP_TLSRPT_PAGE_LINES;
    }

    days = query->to - ngx_max(query->from, query->oldest) + 1;
    width = NGX_HTTP_TLSRPT_PAGE_DAYS / ngx_max(days, 1);

    return ngx_max(ngx_min(width, NGX_HTTP_TLSRPT_PAGE_LINES), 1);
}


/*
 * What is asked
 */

static ngx_int_t
ngx_http_tlsrpt_page_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_int_t                rc;
    ngx_http_tlsrpt_line_t  *line;

    if (page->full) {
        return NGX_DONE;
    }

    line = ngx_http_tlsrpt_page_asking(page);

    if (line == NULL) {
        rc = ngx_http_tlsrpt_page_line(page, ask);
        if (rc != NGX_OK) {
            return rc == NGX_AGAIN ? NGX_OK : rc;
        }

        line = ngx_http_tlsrpt_page_asking(page);
    }

    ask->command = tlsrpt_overview_next(line->overview, &ask->n);
    ask->item = line;

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* The first line that has something to ask; NULL: none has. */

static ngx_http_tlsrpt_line_t *
ngx_http_tlsrpt_page_asking(ngx_http_tlsrpt_page_t *page)
{
    ngx_uint_t               i;
    ngx_http_tlsrpt_line_t  *line;

    for (i = page->nended; i < page->nlines; i++) {
        line = &page->lines[i % NGX_HTTP_TLSRPT_PAGE_LINES];

        if (!line->done && tlsrpt_overview_asks(line->overview)) {
            return line;
        }
    }

    return NULL;
}


/* Begins the next line.  NGX_AGAIN: the walk asks for something first;
   NGX_DONE: there is none, or none before a reply or before work. */

static ngx_int_t
ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_ask_t *ask)
{
    ngx_int_t                rc;
    tlsrpt_query_t           query;
    ngx_http_tlsrpt_line_t  *line;

    if (!ngx_http_tlsrpt_page_may_begin(page)) {
        return NGX_DONE;
    }

    rc = ngx_http_tlsrpt_page_find(page);

    if (rc == NGX_AGAIN) {
        ask->command = page->command;
        ask->item = NULL;
        page->command = NULL;
    }

    if (rc != NGX_OK) {
        page->busy = (rc == NGX_BUSY);
        return page->busy ? NGX_DONE : rc;
    }

    line = &page->lines[page->nlines++ % NGX_HTTP_TLSRPT_PAGE_LINES];
    ngx_memzero(line, sizeof(ngx_http_tlsrpt_line_t));

    line->indexed = page->indexed;
    ngx_memcpy(line->name, page->name.data, page->name.len);
    line->domain.data = (char *) line->name;
    line->domain.len = page->name.len;

    query = page->choice.query;
    ngx_http_tlsrpt_query_since(page->request, &query, &page->name);
    page->name.len = 0;

    line->overview = tlsrpt_overview_create(&query, line->domain,
                                         ngx_http_tlsrpt_prefix(page->request));

    return line->overview ? NGX_OK : NGX_ERROR;
}


/* Is there room for a line, and would it be on the page, or the first one of
   the next? */

static ngx_uint_t
ngx_http_tlsrpt_page_may_begin(ngx_http_tlsrpt_page_t *page)
{
    if (page->cut
        || page->nlines - page->nended == page->width)
    {
        return 0;
    }

    if (page->choice.is_csv) {
        return 1;
    }

    if (page->nlines - page->nhidden > page->choice.limit) {
        return 0;
    }

    page->cut = (page->nlines == NGX_HTTP_TLSRPT_PAGE_READS);

    return !page->cut;
}


/* The next name that may be listed: page->name.  NGX_AGAIN: page->command asks
   for more; NGX_BUSY: so many were looked at; NGX_DONE: there is none, or none
   before a reply. */

static ngx_int_t
ngx_http_tlsrpt_page_find(ngx_http_tlsrpt_page_t *page)
{
    ngx_int_t   rc;
    ngx_str_t   name;
    ngx_uint_t  i;

    if (page->name.len) {
        return NGX_OK;
    }

    if (page->command) {
        return NGX_AGAIN;
    }

    for (i = 0; i < NGX_HTTP_TLSRPT_PAGE_NAMES; i++) {

        rc = ngx_http_tlsrpt_walk_next(&page->walk, &name, &page->command);
        if (rc != NGX_OK) {
            return rc;
        }

        if (page->choice.part.len == 0
            || tlsrpt_domain_part_is_in(&page->choice.part,
                                        ngx_http_tlsrpt_str(&name)))
        {
            page->name = name;
            page->indexed = page->walk.indexed;
            return NGX_OK;
        }

        if (++page->nlooks == NGX_HTTP_TLSRPT_PAGE_LOOKS
            && !page->choice.is_csv)
        {
            page->cut = 1;
            page->looked_len = name.len;
            ngx_memcpy(page->looked, name.data, name.len);
            return NGX_DONE;
        }
    }

    return NGX_BUSY;
}


/* Looks at names while nothing else is to be waited for. */

static ngx_int_t
ngx_http_tlsrpt_page_work(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_int_t  rc;

    if (!page->busy) {
        return NGX_OK;
    }

    rc = ngx_http_tlsrpt_page_find(page);
    if (rc == NGX_BUSY) {
        return NGX_AGAIN;
    }

    page->busy = 0;

    return NGX_DECLINED;
}


/*
 * What is answered
 */

static ngx_int_t
ngx_http_tlsrpt_page_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_http_tlsrpt_line_t  *line;

    line = ask->item;

    if (line == NULL) {
        return ngx_http_tlsrpt_walk_reply(&page->walk, reply);
    }

    if (tlsrpt_overview_add(line->overview, ask->n, reply) != TLSRPT_OK) {
        return NGX_ERROR;
    }

    if (!tlsrpt_overview_is_done(line->overview)) {
        return NGX_OK;
    }

    if (ngx_http_tlsrpt_page_show(page, line) != NGX_OK) {
        return NGX_ERROR;
    }

    tlsrpt_overview_destroy(line->overview);
    line->overview = NULL;
    line->done = 1;

    return ngx_http_tlsrpt_page_write(page);
}


/* Makes the JSON of a line, if it is shown. */

static ngx_int_t
ngx_http_tlsrpt_page_show(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_line_t *line)
{
    ngx_str_t                   name;
    ngx_uint_t                  seen;
    const char                 *mode;
    ngx_http_mta_sts_served_t   served;

    /* the index may outlive a domain's data */

    seen = tlsrpt_overview_seen(line->overview);

    if (line->indexed && !seen) {
        ngx_http_tlsrpt_forget(page->request, line->domain);
    }

    if ((line->indexed && !seen)
        || !ngx_http_tlsrpt_visible(page->request, line->domain, seen)
        || (page->choice.status != TLSRPT_NSTATUSES
            && page->choice.status != tlsrpt_overview_status(line->overview)))
    {
        page->nhidden++;
        return NGX_OK;
    }

    name.data = line->name;
    name.len = line->domain.len;
    mode = ngx_http_mta_sts_request_served(page->request, &name, &served)
           == NGX_OK ? mta_sts_mode_name((int) served.mode) : NULL;

    line->json = tlsrpt_overview_json(line->overview, mode);

    return line->json ? NGX_OK : NGX_ERROR;
}


/* The lines that are answered, in order: some wait longer, for what is open or
   for a script that Redis had to be told. */

static ngx_int_t
ngx_http_tlsrpt_page_write(ngx_http_tlsrpt_page_t *page)
{
    ngx_http_tlsrpt_line_t  *line;

    for ( /* void */ ; page->nended < page->nlines; page->nended++) {
        line = &page->lines[page->nended % NGX_HTTP_TLSRPT_PAGE_LINES];

        if (!line->done) {
            break;
        }

        if (line->json && page->nshown == page->choice.limit
            && !page->choice.is_csv)
        {
            page->full = 1;
            break;
        }

        page->last_len = line->domain.len;
        ngx_memcpy(page->last, line->name, line->domain.len);

        if (line->json) {
            ngx_http_tlsrpt_page_put(page, line->json);
            line->json = NULL;
        }
    }

    return ngx_http_tlsrpt_text_spill(page->request, &page->text, &page->buf,
                                      NGX_HTTP_TLSRPT_TEXT_MEMORY);
}


static void
ngx_http_tlsrpt_page_head(ngx_http_tlsrpt_page_t *page)
{
    int   n;
    char  from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];
    char  head[128];

    if (page->choice.is_csv) {
        tlsrpt_csv_head(&page->buf, tlsrpt_overview_names,
                        TLSRPT_OVERVIEW_NAMES);
        return;
    }

    tlsrpt_day_text(page->choice.query.from, from);
    tlsrpt_day_text(page->choice.query.to, to);

    n = snprintf(head, sizeof(head),
                 "{\"from\":\"%s\",\"to\":\"%s\",\"domains\":[", from, to);
    tlsrpt_buf_add(&page->buf, head, n);
}


/* Takes the line. */

static void
ngx_http_tlsrpt_page_put(ngx_http_tlsrpt_page_t *page, json_t *json)
{
    char  *text;

    if (page->choice.is_csv) {
        tlsrpt_csv_line(&page->buf, tlsrpt_overview_names,
                        TLSRPT_OVERVIEW_NAMES, json);

    } else {
        text = json_dumps(json, JSON_COMPACT);

        if (text) {
            tlsrpt_buf_add(&page->buf, ",", page->nshown > 0);
            tlsrpt_buf_add(&page->buf, text, ngx_strlen(text));
            free(text);

        } else {
            page->buf.failed = 1;
        }
    }

    page->nshown++;
    json_decref(json);
}


static ngx_int_t
ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_page_t *page = data;

    tlsrpt_buf_t  *buf;

    buf = &page->buf;

    if (page->choice.is_csv) {
        return ngx_http_tlsrpt_text_send(r, "text/csv; charset=utf-8",
                                         &page->text, &buf, 1);
    }

    tlsrpt_buf_add(buf, "],\"next\":", 9);

    if (page->full || (page->cut && !page->looked_len)) {
        /* a name needs no escapes */
        tlsrpt_buf_add(buf, "\"", 1);
        tlsrpt_buf_add(buf, page->last, page->last_len);
        tlsrpt_buf_add(buf, "\"}", 2);

    } else if (page->cut) {
        tlsrpt_buf_add(buf, "\"", 1);
        tlsrpt_buf_add(buf, page->looked, page->looked_len);
        tlsrpt_buf_add(buf, "\"}", 2);

    } else {
        tlsrpt_buf_add(buf, "null}", 5);
    }

    return ngx_http_tlsrpt_text_send(r, "application/json; charset=utf-8",
                                     &page->text, &buf, 1);
}


static void
ngx_http_tlsrpt_page_destroy(void *data)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_uint_t  i;

    ngx_http_tlsrpt_walk_end(&page->walk);
    tlsrpt_buf_free(&page->buf);

    for (i = 0; i < NGX_HTTP_TLSRPT_PAGE_LINES; i++) {
        json_decref(page->lines[i].json);
        tlsrpt_overview_destroy(page->lines[i].overview);
    }
}
