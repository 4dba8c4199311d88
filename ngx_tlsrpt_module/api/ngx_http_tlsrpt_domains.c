/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * BASE/domains: a page of the domains, configured or ever seen, by name, and
 * the totals of each.  The index is read first, in pieces until the page is
 * full of names that the reader may see; then the domains of the page one after
 * the other, as the window of the read has room.
 */

#include "ngx_http_mta_sts_module.h"
#include "ngx_http_tlsrpt_module.h"
#include "ngx_http_tlsrpt_answer.h"
#include "ngx_http_tlsrpt_params.h"
#include "ngx_http_tlsrpt_problem.h"
#include "ngx_http_tlsrpt_read.h"
#include "ngx_http_tlsrpt_scope.h"
#include "ngx_http_tlsrpt_seen.h"
#include "ngx_http_tlsrpt_api.h"
#include "tlsrpt_time.h"


#define NGX_HTTP_TLSRPT_PAGE_DEFAULT   100
#define NGX_HTTP_TLSRPT_PAGE_MAX       1000
#define NGX_HTTP_TLSRPT_PAGE_PIECE     1000     /* of the index, at most */


typedef struct {
    tlsrpt_str_t               domain;
    tlsrpt_totals_t           *totals;      /* while it is being read */
    size_t                     ncommands;
    size_t                     nreplies;
    json_t                    *json;        /* then */
    ngx_uint_t                 shown;
} ngx_http_tlsrpt_line_t;

typedef struct {
    ngx_http_request_t        *request;
    tlsrpt_query_t             query;       /* from and to */
    ngx_str_t                  cursor;      /* the name before the page */
    ngx_uint_t                 limit;

    ngx_array_t                names;       /* gathered so far */
    ngx_uint_t                 piece;       /* names asked of the index */
    ngx_uint_t                 nseen;       /* of the index, to be shown */
    ngx_http_tlsrpt_seen_t     index;

    ngx_http_tlsrpt_line_t    *lines;       /* NULL: the index is not read */
    ngx_uint_t                 nlines;
    ngx_uint_t                 line;        /* the next command is of it */
    size_t                     n;
    unsigned                   asked:1;     /* for the index */
    unsigned                   more:1;      /* pages follow */
} ngx_http_tlsrpt_page_t;


static int ngx_http_tlsrpt_page_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_page_cursor(ngx_http_tlsrpt_page_t *page,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_page_limit(ngx_http_tlsrpt_page_t *page,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);

static ngx_int_t ngx_http_tlsrpt_page_start(ngx_http_tlsrpt_page_t *page);
static ngx_int_t ngx_http_tlsrpt_page_scope(ngx_http_tlsrpt_page_t *page,
    ngx_array_t *scope);
static ngx_int_t ngx_http_tlsrpt_page_next(void *data,
    ngx_http_tlsrpt_ask_t *ask);
static ngx_int_t ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_line_t *line);
static ngx_int_t ngx_http_tlsrpt_page_reply(void *data,
    ngx_http_tlsrpt_ask_t *ask, const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_page_names(ngx_http_tlsrpt_page_t *page,
    const tlsrpt_reply_t *reply);
static ngx_int_t ngx_http_tlsrpt_page_add(ngx_http_tlsrpt_page_t *page,
    tlsrpt_str_t domain);
static ngx_int_t ngx_http_tlsrpt_page_configured(
    ngx_http_tlsrpt_page_t *page);
static ngx_uint_t ngx_http_tlsrpt_page_after(ngx_http_tlsrpt_page_t *page,
    ngx_str_t *names, ngx_uint_t n);
static ngx_int_t ngx_http_tlsrpt_page_lines(ngx_http_tlsrpt_page_t *page);
static void ngx_http_tlsrpt_names_sort(ngx_array_t *names);
static int ngx_libc_cdecl ngx_http_tlsrpt_names_compare(const void *one,
    const void *two);
static ngx_int_t ngx_http_tlsrpt_names_order(ngx_str_t *one, ngx_str_t *two);

static ngx_int_t ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r);
static json_t *ngx_http_tlsrpt_page_next_json(ngx_http_tlsrpt_page_t *page);
static void ngx_http_tlsrpt_page_destroy(void *data);

static ngx_int_t ngx_http_tlsrpt_domains_list(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_main_conf_t *tmcf);


static const ngx_http_tlsrpt_reading_t  ngx_http_tlsrpt_page_reading = {
    ngx_http_tlsrpt_page_next,
    ngx_http_tlsrpt_page_reply,
    ngx_http_tlsrpt_page_done,
    ngx_http_tlsrpt_page_destroy
};


ngx_int_t
ngx_http_tlsrpt_domains_resource(ngx_http_request_t *r,
    ngx_http_tlsrpt_target_t *target)
{
    tlsrpt_error_t           error;
    ngx_http_tlsrpt_page_t  *page;

    page = ngx_pcalloc(r->pool, sizeof(ngx_http_tlsrpt_page_t));
    if (page == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    page->request = r;
    page->limit = NGX_HTTP_TLSRPT_PAGE_DEFAULT;
    ngx_str_set(&page->cursor, "");

    tlsrpt_query_init(&page->query, ngx_time());

    if (ngx_http_tlsrpt_params(r, ngx_http_tlsrpt_page_param, page, &error)
        != TLSRPT_OK
        || tlsrpt_query_check(&page->query, &error) != TLSRPT_OK)
    {
        return ngx_http_tlsrpt_problem_error(r, &error);
    }

    if (ngx_http_tlsrpt_page_start(page) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_tlsrpt_read(r, &ngx_http_tlsrpt_page_reading, page);
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
    if (!ngx_http_tlsrpt_seen_is_domain(value.data, value.len)) {
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
ngx_http_tlsrpt_page_start(ngx_http_tlsrpt_page_t *page)
{
    ngx_array_t   *scope;
    tlsrpt_str_t   after;

    if (ngx_array_init(&page->names, page->request->pool, page->limit + 1,
                       sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    scope = ngx_http_tlsrpt_scope_names(page->request);

    if (scope) {
        return ngx_http_tlsrpt_page_scope(page, scope);
    }

    /* one name more than the page holds tells whether pages follow */

    page->piece = ngx_http_tlsrpt_scope_is_all(page->request)
                  ? page->limit + 1 : NGX_HTTP_TLSRPT_PAGE_PIECE;

    if (ngx_http_tlsrpt_page_configured(page) != NGX_OK) {
        return NGX_ERROR;
    }

    after.data = page->cursor.len ? (char *) page->cursor.data : NULL;
    after.len = page->cursor.len;

    return ngx_http_tlsrpt_seen_after(page->request, &page->index, after,
                                      page->piece);
}


/* A scope of names alone is the list itself. */

static ngx_int_t
ngx_http_tlsrpt_page_scope(ngx_http_tlsrpt_page_t *page, ngx_array_t *scope)
{
    ngx_uint_t                     i;
    tlsrpt_str_t                   domain;
    ngx_http_tlsrpt_scope_name_t  *names;

    page->asked = 1;
    names = scope->elts;

    for (i = 0; i < scope->nelts; i++) {
        if (ngx_http_tlsrpt_names_order(&names[i].name, &page->cursor) <= 0) {
            continue;
        }

        domain.data = (char *) names[i].name.data;
        domain.len = names[i].name.len;

        if (ngx_http_tlsrpt_page_add(page, domain) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return ngx_http_tlsrpt_page_lines(page);
}


static ngx_int_t
ngx_http_tlsrpt_page_next(void *data, ngx_http_tlsrpt_ask_t *ask)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_http_tlsrpt_line_t  *line;

    if (!page->asked) {
        page->asked = 1;
        ask->command = &page->index.command;
        ask->item = NULL;
        return NGX_OK;
    }

    if (page->line == page->nlines) {
        return NGX_DONE;
    }

    line = &page->lines[page->line];

    if (page->n == 0 && ngx_http_tlsrpt_page_line(page, line) != NGX_OK) {
        return NGX_ERROR;
    }

    ask->command = tlsrpt_totals_command(line->totals, page->n);
    ask->item = line;
    ask->n = page->n++;

    if (page->n == line->ncommands) {
        page->line++;
        page->n = 0;
    }

    return ask->command ? NGX_OK : NGX_ERROR;
}


/* A domain has at least one command: a range has at least one day. */

static ngx_int_t
ngx_http_tlsrpt_page_line(ngx_http_tlsrpt_page_t *page,
    ngx_http_tlsrpt_line_t *line)
{
    line->totals = tlsrpt_totals_create(&page->query, line->domain,
                                        ngx_http_tlsrpt_prefix(page->request));
    if (line->totals == NULL) {
        return NGX_ERROR;
    }

    line->ncommands = tlsrpt_totals_ncommands(line->totals);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_page_reply(void *data, ngx_http_tlsrpt_ask_t *ask,
    const tlsrpt_reply_t *reply)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_http_tlsrpt_line_t  *line;

    line = ask->item;

    if (line == NULL) {
        return ngx_http_tlsrpt_page_names(page, reply);
    }

    if (tlsrpt_totals_add(line->totals, ask->n, reply) != TLSRPT_OK) {
        return NGX_ERROR;
    }

    if (++line->nreplies < line->ncommands) {
        return NGX_OK;
    }

    /* the index may outlive a domain's data */

    line->shown = ngx_http_tlsrpt_visible(page->request, line->domain,
                                          tlsrpt_totals_seen(line->totals));
    if (line->shown) {
        line->json = tlsrpt_totals_json(line->totals);
    }

    tlsrpt_totals_destroy(line->totals);
    line->totals = NULL;

    return line->json || !line->shown ? NGX_OK : NGX_ERROR;
}


/*
 * Each source gives its first names after the cursor, one more than the page
 * holds; so the first of them all are the page.
 */

static ngx_int_t
ngx_http_tlsrpt_page_names(ngx_http_tlsrpt_page_t *page,
    const tlsrpt_reply_t *reply)
{
    size_t        i;
    ngx_int_t     rc;
    tlsrpt_str_t  domain;

    for (i = 0; i < reply->nelements; i++) {
        domain.data = reply->elements[i]->str;
        domain.len = reply->elements[i]->len;

        if (!ngx_http_tlsrpt_seen_is_domain(domain.data, domain.len)) {
            continue;
        }

        if (ngx_http_tlsrpt_page_add(page, domain) != NGX_OK) {
            return NGX_ERROR;
        }

        page->nseen += ngx_http_tlsrpt_visible(page->request, domain, 1);
    }

    rc = page->nseen > page->limit
         ? NGX_DONE : ngx_http_tlsrpt_seen_next(page->request, &page->index,
                                                reply, page->piece);
    if (rc == NGX_DONE) {
        return ngx_http_tlsrpt_page_lines(page);
    }

    page->asked = 0;

    return rc;
}


/* Copies the name, if the reader may see it. */

static ngx_int_t
ngx_http_tlsrpt_page_add(ngx_http_tlsrpt_page_t *page, tlsrpt_str_t domain)
{
    ngx_str_t  *name;

    if (!ngx_http_tlsrpt_visible(page->request, domain, 1)) {
        return NGX_OK;
    }

    name = ngx_array_push(&page->names);
    if (name == NULL) {
        return NGX_ERROR;
    }

    name->len = domain.len;
    name->data = ngx_pnalloc(page->request->pool, domain.len);
    if (name->data == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(name->data, domain.data, domain.len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_page_configured(ngx_http_tlsrpt_page_t *page)
{
    ngx_str_t                    *listed;
    ngx_uint_t                    i;
    tlsrpt_str_t                  domain;
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_get_module_main_conf(page->request, ngx_http_tlsrpt_module);

    listed = tmcf->listed.elts;

    i = ngx_http_tlsrpt_page_after(page, listed, tmcf->listed.nelts);

    for ( /* void */ ; i < tmcf->listed.nelts; i++) {

        if (page->names.nelts > page->limit) {
            break;
        }

        domain.data = (char *) listed[i].data;
        domain.len = listed[i].len;

        if (ngx_http_tlsrpt_page_add(page, domain) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* The first of the sorted names that is after the cursor. */

static ngx_uint_t
ngx_http_tlsrpt_page_after(ngx_http_tlsrpt_page_t *page, ngx_str_t *names,
    ngx_uint_t n)
{
    ngx_uint_t  first, middle;

    first = 0;

    /* all before first are not after the cursor, all from n on are */

    while (first < n) {
        middle = first + (n - first) / 2;

        if (ngx_http_tlsrpt_names_order(&names[middle], &page->cursor) <= 0) {
            first = middle + 1;

        } else {
            n = middle;
        }
    }

    return first;
}


/* The first of the sorted names, as many as the page holds. */

static ngx_int_t
ngx_http_tlsrpt_page_lines(ngx_http_tlsrpt_page_t *page)
{
    ngx_str_t               *name;
    ngx_uint_t               i;
    ngx_http_tlsrpt_line_t  *line;

    ngx_http_tlsrpt_names_sort(&page->names);

    page->lines = ngx_pcalloc(page->request->pool,
                              page->limit * sizeof(ngx_http_tlsrpt_line_t));
    if (page->lines == NULL) {
        return NGX_ERROR;
    }

    page->more = page->names.nelts > page->limit;
    page->nlines = ngx_min(page->names.nelts, page->limit);

    name = page->names.elts;

    for (i = 0; i < page->nlines; i++) {
        line = &page->lines[i];
        line->domain.data = (char *) name[i].data;
        line->domain.len = name[i].len;
    }

    return NGX_OK;
}


/* Sorts the names, and leaves each once. */

static void
ngx_http_tlsrpt_names_sort(ngx_array_t *names)
{
    ngx_str_t   *name;
    ngx_uint_t   i, n;

    name = names->elts;

    ngx_qsort(name, names->nelts, sizeof(ngx_str_t),
              ngx_http_tlsrpt_names_compare);

    for (i = 0, n = 0; i < names->nelts; i++) {
        if (n == 0 || ngx_http_tlsrpt_names_order(&name[n - 1], &name[i])) {
            name[n++] = name[i];
        }
    }

    names->nelts = n;
}


static int ngx_libc_cdecl
ngx_http_tlsrpt_names_compare(const void *one, const void *two)
{
    return (int) ngx_http_tlsrpt_names_order((ngx_str_t *) one,
                                             (ngx_str_t *) two);
}


/* As Redis orders them: bytewise. */

static ngx_int_t
ngx_http_tlsrpt_names_order(ngx_str_t *one, ngx_str_t *two)
{
    return ngx_memn2cmp(one->data, two->data, one->len, two->len);
}


static ngx_int_t
ngx_http_tlsrpt_page_done(void *data, ngx_http_request_t *r)
{
    ngx_http_tlsrpt_page_t *page = data;

    char         from[TLSRPT_DAY_TEXT_LEN + 1], to[TLSRPT_DAY_TEXT_LEN + 1];
    json_t      *domains;
    ngx_uint_t   i;

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

    last = &page->lines[page->nlines - 1].domain;

    return json_stringn(last->data, last->len);
}


static void
ngx_http_tlsrpt_page_destroy(void *data)
{
    ngx_http_tlsrpt_page_t *page = data;

    ngx_uint_t  i;

    for (i = 0; i < page->nlines; i++) {
        json_decref(page->lines[i].json);

        if (page->lines[i].totals) {
            tlsrpt_totals_destroy(page->lines[i].totals);
        }
    }
}


ngx_int_t
ngx_http_tlsrpt_domains_init(ngx_cycle_t *cycle)
{
    ngx_http_tlsrpt_main_conf_t  *tmcf;

    tmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_tlsrpt_module);

    if (tmcf == NULL) {
        return NGX_OK;
    }

    if (ngx_array_init(&tmcf->listed, cycle->pool,
                       tmcf->accepted.domains.nelts + 1, sizeof(ngx_str_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_http_tlsrpt_domains_list(cycle, tmcf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_tlsrpt_names_sort(&tmcf->listed);

    return NGX_OK;
}


static ngx_int_t
ngx_http_tlsrpt_domains_list(ngx_cycle_t *cycle,
    ngx_http_tlsrpt_main_conf_t *tmcf)
{
    ngx_str_t                     *name;
    ngx_uint_t                     i;
    ngx_http_tlsrpt_domain_t      *domains;
    ngx_http_mta_sts_policy_t     *policy;
    ngx_http_mta_sts_main_conf_t  *mmcf;

    domains = tmcf->accepted.domains.elts;

    for (i = 0; i < tmcf->accepted.domains.nelts; i++) {
        name = ngx_array_push(&tmcf->listed);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = domains[i].name;
    }

    mmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_mta_sts_module);

    policy = NULL;

    while ((policy = ngx_http_mta_sts_next(mmcf, policy)) != NULL) {
        name = ngx_array_push(&tmcf->listed);
        if (name == NULL) {
            return NGX_ERROR;
        }

        *name = ngx_http_mta_sts_policy_domain(policy);
    }

    return NGX_OK;
}
