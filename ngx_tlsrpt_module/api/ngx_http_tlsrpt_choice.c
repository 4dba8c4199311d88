/*
 * Copyright (C) the tlsrpt authors
 * SPDX-License-Identifier: BSD-2-Clause
 */

#include "ngx_http_tlsrpt_choice.h"
#include "ngx_http_tlsrpt_index.h"
#include "ngx_http_tlsrpt_query.h"


#define NGX_HTTP_TLSRPT_CHOICE_DEFAULT  100
#define NGX_HTTP_TLSRPT_CHOICE_MAX      1000


static int ngx_http_tlsrpt_choice_param(void *data, tlsrpt_str_t name,
    tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_choice_cursor(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_choice_limit(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_choice_status(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_choice_name(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);
static int ngx_http_tlsrpt_choice_by(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error);


ngx_int_t
ngx_http_tlsrpt_choice(ngx_http_request_t *r, ngx_http_tlsrpt_target_t *target,
    ngx_http_tlsrpt_choice_t *choice)
{
    ngx_int_t  rc;

    ngx_memzero(choice, sizeof(ngx_http_tlsrpt_choice_t));

    choice->pool = r->pool;
    choice->limit = NGX_HTTP_TLSRPT_CHOICE_DEFAULT;
    choice->status = TLSRPT_NSTATUSES;
    choice->is_csv = (target->type == NGX_HTTP_TLSRPT_CSV);
    ngx_str_set(&choice->cursor, "");

    tlsrpt_query_init(&choice->query, ngx_time());
    ngx_http_tlsrpt_query_retain(r, &choice->query);

    rc = ngx_http_tlsrpt_query(r, ngx_http_tlsrpt_choice_param, choice,
                               &choice->query);

    if (choice->is_csv) {
        choice->cursor.len = 0;
    }

    return rc;
}


static int
ngx_http_tlsrpt_choice_param(void *data, tlsrpt_str_t name, tlsrpt_str_t value,
    tlsrpt_error_t *error)
{
    ngx_http_tlsrpt_choice_t *choice = data;

    if (tlsrpt_param_is(name, "cursor")) {
        return ngx_http_tlsrpt_choice_cursor(choice, name, value, error);
    }

    if (tlsrpt_param_is(name, "limit")) {
        return ngx_http_tlsrpt_choice_limit(choice, name, value, error);
    }

    if (tlsrpt_param_is(name, "status")) {
        return ngx_http_tlsrpt_choice_status(choice, name, value, error);
    }

    if (tlsrpt_param_is(name, "name")) {
        return ngx_http_tlsrpt_choice_name(choice, name, value, error);
    }

    if (tlsrpt_param_is(name, "by")) {
        return ngx_http_tlsrpt_choice_by(choice, name, value, error);
    }

    if (tlsrpt_param_is(name, "from") || tlsrpt_param_is(name, "to")) {
        return tlsrpt_query_param(&choice->query, name, value, error);
    }

    return tlsrpt_param_unknown(error, name);
}


/* The cursor is a name, as the page before ended with. */

static int
ngx_http_tlsrpt_choice_cursor(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    if (!ngx_http_tlsrpt_index_is_domain(value.data, value.len)) {
        return tlsrpt_param_fail(error, name, "not a \"next\" of this list");
    }

    choice->cursor.data = ngx_pnalloc(choice->pool, value.len);
    if (choice->cursor.data == NULL) {
        ngx_memzero(error, sizeof(tlsrpt_error_t));
        error->code = TLSRPT_ERR_MEMORY;
        return TLSRPT_ERR_MEMORY;
    }

    choice->cursor.len = value.len;
    ngx_memcpy(choice->cursor.data, value.data, value.len);

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_choice_limit(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    ngx_int_t  limit;

    limit = ngx_atoi((u_char *) value.data, value.len);

    if (limit < 1 || limit > NGX_HTTP_TLSRPT_CHOICE_MAX) {
        return tlsrpt_param_fail(error, name, "not a number from 1 to 1000");
    }

    choice->limit = limit;

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_choice_status(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    choice->status = tlsrpt_status_named(value);

    if (choice->status == TLSRPT_NSTATUSES) {
        return tlsrpt_param_fail(error, name, "not one of failing, attention, "
                                 "silent, occasional, waiting, ok");
    }

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_choice_name(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    if (tlsrpt_domain_part_set(&choice->part, value) != 0) {
        return tlsrpt_param_fail(error, name, "it can be part of no name");
    }

    return TLSRPT_OK;
}


static int
ngx_http_tlsrpt_choice_by(ngx_http_tlsrpt_choice_t *choice,
    tlsrpt_str_t name, tlsrpt_str_t value, tlsrpt_error_t *error)
{
    if (!tlsrpt_str_is(value, "day")) {
        return tlsrpt_param_fail(error, name, "of a list only day");
    }

    if (choice->is_csv) {
        return tlsrpt_param_fail(error, name, "not as CSV, whose lines are the "
                                 "domains");
    }

    return tlsrpt_query_param(&choice->query, name, value, error);
}
